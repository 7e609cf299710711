"""Real processes, found to be killed."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

PATIENCE_S = 600.0


def wait_until(happened: Callable[[], object], what: str) -> None:
    """Return once it has happened; an error where it does not within minutes."""
    deadline = time.monotonic() + PATIENCE_S
    while not happened():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited in vain: {what}")
        time.sleep(0.02)


def below(ancestor: int) -> Iterator[int]:
    """The processes that a process has started, and theirs."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # it has ended
        children.setdefault(parent, []).append(int(stat.parent.name))
    waiting = [ancestor]
    while waiting:
        found = children.get(waiting.pop(), [])
        waiting += found
        yield from found


def training_workers() -> list[int]:
    """Ray's workers that train below this process."""
    return [pid for pid in below(os.getpid()) if "RayTrainWorker" in command(pid)]


def kill_training_workers() -> int:
    """Returns how many there were."""
    workers = training_workers()
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    return len(workers)


def command(pid: int) -> str:
    """The command line of a process, empty where it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""

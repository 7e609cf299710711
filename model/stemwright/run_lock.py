"""Who works on a run: one process at a time, and one that died gives its place up by itself."""

import errno
import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stemwright.errors import InputError

INTERVAL_S = 0.2


@contextmanager
def run_lock(path: Path, *, wait_s: float = 0.0) -> Iterator[None]:
    """Hold a run while the block runs; `path`: a file for nothing else.

    Waits up to `wait_s` for a process that is about to end. InputError where another one holds the run.
    A file system that knows no locks leaves everybody free.
    """
    with path.open("a") as file:
        deadline = time.monotonic() + wait_s
        while not _locked(file.fileno()):
            if time.monotonic() >= deadline:
                raise InputError(
                    f"{path.parent} is being trained by another process: let it end, or choose another --out"
                )
            time.sleep(INTERVAL_S)
        yield


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS):
            raise
    return True

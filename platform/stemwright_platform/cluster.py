"""The Ray cluster that a command works on: the one that RAY_ADDRESS names, else one of its own."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


def connect(num_cpus: int | None = None) -> None:
    """Connect this process to Ray; nothing happens where it is connected already.

    `num_cpus`: logical CPUs of a cluster that is started here; as many as the machine has by default.
    A cluster started here ends with the process, says nothing on the terminal and sends nothing home.
    """
    os.environ.setdefault("RAY_AUTH_MODE", "disabled")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray

    if ray.is_initialized():
        return
    if os.environ.get("RAY_ADDRESS"):
        ray.init(logging_level=logging.ERROR)
        return
    # Ray Data's actors make the core print an error about a harmless setting.
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    with _silent_stderr():  # the core announces even that
        ray.init(
            "local",
            num_cpus=num_cpus,
            include_dashboard=False,
            logging_level=logging.ERROR,
            log_to_driver=False,
        )


@contextmanager
def _silent_stderr() -> Iterator[None]:
    """Drop what native code writes to the standard error stream."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)

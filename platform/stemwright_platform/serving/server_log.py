"""The server's log: our lines go where Serve's go, as JSON with who asked for what."""

import logging
from typing import Any

LOGGING: dict[str, Any] = {"encoding": "JSON"}
"""Serve's `logging_config`."""


def log_with_serve() -> None:
    """In a replica: the lines of our loggers go to Serve's files, also after Serve changed them."""
    serves = logging.getLogger("ray.serve")
    for name in ("stemwright", "stemwright_platform"):
        ours = logging.getLogger(name)
        ours.handlers = serves.handlers
        ours.setLevel(serves.level)
        ours.propagate = False

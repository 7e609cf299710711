"""A tracking server that is away: what passes by itself, when to ask again, and what the user is told."""

import re
import sys
from collections.abc import Callable

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
LATER = (408, 429)
"""HTTP statuses that mean "not now"; so do all of the server's own faults, from 500 on."""
MAX_REASON_CHARACTERS = 160


class Outage:
    """Tells of a server's outages, one line when it starts and one when it is over."""

    def __init__(self, server: str, say: Callable[[str], None]) -> None:
        self.reason: str | None = None
        """Of the outage that goes on; None where the server answers."""
        self._server, self._say, self._pause_s = without_password(server), say, FIRST_PAUSE_S

    def went_on(self, error: Exception) -> float:
        """The server did not answer; returns how many seconds to wait before asking again."""
        if self.reason is None:
            self._say(
                f"MLflow at {self._server} does not answer ({reason(error)}): training goes on, asking again"
            )
        self.reason = reason(error)
        pause_s, self._pause_s = self._pause_s, min(2 * self._pause_s, LONGEST_PAUSE_S)
        return pause_s

    def ended(self) -> None:
        """The server has answered."""
        if self.reason is not None:
            self._say(f"MLflow at {self._server} answers again: it gets what it missed")
        self.reason, self._pause_s = None, FIRST_PAUSE_S


def passes(error: Exception) -> bool:
    """Whether asking again may help: no connection or a fault of the server, not a refusal."""
    from mlflow.exceptions import InvalidUrlException, MlflowException
    from requests import HTTPError, RequestException

    if isinstance(error, InvalidUrlException):
        return False
    if isinstance(error, MlflowException):
        return _later(error.get_http_status_code())
    if isinstance(error, HTTPError):
        return error.response is not None and _later(error.response.status_code)
    return isinstance(error, RequestException | ConnectionError | TimeoutError)


def reason(error: Exception) -> str:
    """An error in a few words, as "Connection refused"."""
    text = str(error).strip() or type(error).__name__
    if found := re.search(r"\[Errno -?\d+\] ([^'\")\]]+)", text):
        return found[1]
    if "timed out" in text.lower():
        return "no answer in time"
    return without_password(text.splitlines()[0])[:MAX_REASON_CHARACTERS]


def without_password(uri: str) -> str:
    """A text without what stands before the @ of its addresses."""
    return re.sub(r"://[^/@\s]*@", "://", uri)


def to_terminal(line: str) -> None:
    """Say a line above a line of progress."""
    start = "\r\x1b[K" if sys.stderr.isatty() else ""
    print(f"{start}{line}", file=sys.stderr, flush=True)


def _later(status: int) -> bool:
    return status >= 500 or status in LATER

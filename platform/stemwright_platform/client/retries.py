"""When a call is made again, and after how long."""

import random
from dataclasses import dataclass

import httpx

BUSY = (429, 503)
"""Statuses that say: not now, and nothing has been done."""
GATEWAY = (502, 504)
"""Statuses of a proxy that does not know whether anything has been done."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Retries:
    """How patient a client is."""

    attempts: int = 6
    """Calls made at most before it gives up."""
    first_s: float = 0.25
    """The first wait; each is twice the one before, less a random part."""
    longest_s: float = 20.0
    """Of a wait, also where the server asks for more."""

    def wait_s(
        self, attempt: int, outcome: httpx.Response | httpx.TransportError, *, repeatable: bool
    ) -> float | None:
        """Seconds to wait after the attempt of that number (from 1), None where it was the last.

        `repeatable`: whether making the call twice does no harm.
        """
        if attempt >= self.attempts or not _worth_it(outcome, repeatable):
            return None
        if not isinstance(outcome, httpx.TransportError) and (asked := _asked_s(outcome)) is not None:
            return min(asked, self.longest_s)
        longest = min(self.first_s * 2 ** (attempt - 1), self.longest_s)
        return longest * (0.5 + 0.5 * random.random())


def _worth_it(outcome: httpx.Response | httpx.TransportError, repeatable: bool) -> bool:
    if isinstance(outcome, httpx.TransportError):
        never_sent = isinstance(outcome, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
        return never_sent or repeatable
    return outcome.status_code in BUSY or (repeatable and outcome.status_code in GATEWAY)


def _asked_s(answer: httpx.Response) -> float | None:
    try:
        return max(float(answer.headers["retry-after"]), 0.0)
    except (KeyError, ValueError):
        return None

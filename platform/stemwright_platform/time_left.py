"""How far long work is and how long it will take: one line of a terminal, or a line now and then in a log."""

import sys
import time
from collections.abc import Callable
from typing import TextIO

LOG_INTERVAL_S = 10.0


class TimeLeft:
    """Told of amounts of work as they are done, it prints the share and the time left."""

    def __init__(
        self,
        label: str,
        total: float,
        *,
        out: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`total`: all the work, in any unit that is about proportional to time."""
        self._label = label
        self._total = total
        self._out = out or sys.stderr
        self._clock = clock
        self._done = 0.0
        self._start = self._printed = clock()

    def advance(self, amount: float, note: str = "") -> None:
        """Some more work is done; `note` says what, as "12 of 24 songs"."""
        self._done += amount
        now = self._clock()
        terminal = self._out.isatty()
        if not terminal and now - self._printed < LOG_INTERVAL_S and self._done < self._total:
            return
        self._printed = now
        share = min(1.0, self._done / self._total) if self._total else 1.0
        left_s = (now - self._start) * (1 - share) / share if share else 0.0
        line = f"{self._label}: {share:4.0%}, {duration_text(left_s)} left{', ' + note if note else ''}"
        print(
            f"\r\x1b[K{line}" if terminal else line, end="" if terminal else "\n", file=self._out, flush=True
        )

    def close(self) -> None:
        """End the terminal's line."""
        if self._out.isatty():
            print(file=self._out, flush=True)


def duration_text(seconds: float) -> str:
    """A duration as "8 s", "3 min 05 s" or "2 h 07 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"

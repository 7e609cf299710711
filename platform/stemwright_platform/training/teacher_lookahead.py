"""Which coming steps a pool of teachers is asked for, so that what it makes comes in time."""

import math
from collections import deque

REMEMBERED = 16
"""Steps and answers whose times are remembered."""
SLOW_SHARE = 0.8
"""The latency to reckon with: this share of the answers were faster."""


class Lookahead:
    """Hands out steps in order, each once, far enough ahead of training and never too many at a time.

    A pool that keeps up is asked for every step and fills its buffer. One that does not is asked for as many
    as it can make, evenly spread, each so far ahead that it comes in time. Has no lock: its owner keeps one.
    """

    def __init__(self, *, start_step: int, first_step: int, capacity: int) -> None:
        """`start_step`: where training begins; `first_step`: the first that wants a teacher.

        `capacity`: most steps that are asked for and not yet past.
        """
        self.capacity = capacity
        self._current, self._first, self._next = start_step - 1, first_step, first_step
        self._open: set[int] = set()
        self._failed: set[int] = set()
        self._began_s: float | None = None
        self._steps_s: deque[float] = deque(maxlen=REMEMBERED)
        self._latencies_s: deque[float] = deque(maxlen=REMEMBERED)

    def begin(self, step: int, now_s: float) -> None:
        """Training is at a step: what is of it, or of earlier ones, is too late."""
        if self._began_s is not None and step > self._current:
            self._steps_s.append((now_s - self._began_s) / (step - self._current))
        self._current, self._began_s = step, now_s
        self._open = {other for other in self._open if other > step}

    def answered(self, seconds: float) -> None:
        """An answer has come, so long after it was asked for."""
        self._latencies_s.append(seconds)

    def failed(self, step: int) -> None:
        """A step will not be answered: another teacher may have it."""
        self._failed.add(step)

    @property
    def lead(self) -> int:
        """How many steps ahead an answer must be asked for."""
        if not self._steps_s or not self._latencies_s:
            return 1
        latency_s = sorted(self._latencies_s)[int(SLOW_SHARE * (len(self._latencies_s) - 1))]
        # the median: a checkpoint is no step
        step_s = sorted(self._steps_s)[len(self._steps_s) // 2]
        return math.ceil(latency_s / max(step_s, 1e-6)) + 1

    @property
    def wants_weights(self) -> bool:
        """Whether the first step that wants a teacher is near."""
        return self._first <= self._current + self.lead + self.capacity

    def next_step(self) -> int | None:
        """The step to ask for now; None where there is none yet."""
        earliest = self._current + self.lead
        if again := [step for step in self._failed if step >= earliest]:
            self._failed = set(again) - {min(again)}
            return min(again)
        self._failed.clear()
        step = max(self._next, earliest)
        if len(self._open) >= self.capacity or step > earliest + self.capacity:
            return None
        self._next = step + 1
        self._open.add(step)
        return step

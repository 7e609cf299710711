"""How fast a run goes: time of a step, throughput, and how many steps fit into a time budget."""

import time
from collections.abc import Callable

import torch
import torch.distributed as dist

from stemwright.training_run import TrainingRun

FIRST_ESTIMATE = 5
"""Steps after which a run with a time budget first estimates its length; then at twice as many, and so on."""


class Pace:
    """Watches the clock of a run's loop. Every worker of the run has one."""

    def __init__(self, run: TrainingRun, clock: Callable[[], float] = time.monotonic) -> None:
        self._run, self._clock = run, clock
        self._before_s = run.train_s
        self._start = self._last = self._estimated_at = clock()
        self._steps = self._estimated_steps = 0
        self._next_estimate = FIRST_ESTIMATE
        self._closing_s = 0.0
        self.step_s = 0.0
        """Wall time of the step before, with its data and without checkpoints."""

    def after_step(self) -> None:
        """A step is done. With a time budget, the run's length may change, by the same for every worker."""
        now = self._clock()
        self.step_s, self._last = now - self._last, now
        self._steps += 1
        self._run.train_s = self._before_s + now - self._start
        if self._run.plan.minutes is not None and self._steps >= self._next_estimate:
            self._next_estimate *= 2
            self._fix_length(60 * self._run.plan.minutes, now)

    def after_checkpoint(self) -> None:
        """A checkpoint is done: it counts as training time, not as part of a step."""
        now = self._clock()
        self._closing_s, self._last = now - self._last, now
        self._run.train_s = self._before_s + now - self._start

    def _fix_length(self, budget_s: float, now: float) -> None:
        """Set the learner's total steps to what fits, judged by the steps since the last estimate."""
        average_s = (now - self._estimated_at) / (self._steps - self._estimated_steps)
        self._estimated_at, self._estimated_steps = now, self._steps
        left_s = budget_s - self._run.train_s - self._closing_s
        learner = self._run.learner
        total = learner.step_count + max(1, int(left_s / max(average_s, 1e-9)))
        learner.total_steps = _of_first_worker(total, learner.device)


def _of_first_worker(value: int, device: torch.device) -> int:
    if not dist.is_initialized():
        return value
    shared = torch.tensor(value, device=device)
    dist.broadcast(shared, src=0)
    return int(shared)

"""The loop around `Learner.step`: data, pace, checkpoints and what is written down of the steps."""

import time
from collections.abc import Callable
from contextlib import closing

from stemwright.curriculum import Curriculum, target_sets
from stemwright.learner import Learner
from stemwright.training_log import Record
from stemwright.training_pace import Pace
from stemwright.training_run import TrainingRun

MAX_RECORDS = 5000
"""Longer runs write down means over several steps."""
CHECKPOINTS = 10
MIN_CHECKPOINT_STEPS, MAX_CHECKPOINT_STEPS = 20, 1000


def train(
    run: TrainingRun,
    *,
    on_record: Callable[[Record], None],
    on_checkpoint: Callable[[], None],
    on_skip: Callable[[Record], None] = lambda record: None,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Train until the run is done. Every worker of a run calls it.

    `on_record`: told of the steps, one by one or a few together. `on_checkpoint`: called by every worker at
    the same steps, the last step among them, within `Learner.gathered`. `on_skip`: told of each step that
    was skipped, and why. Raises TrainingDiverged where too many were.
    """
    learner, pace, journal = run.learner, Pace(run, clock), Journal(run)
    saved_at = learner.step_count
    with closing(run.windows.batches(learner.step_count)) as batches:
        while not run.is_done:
            chances = probabilities(learner)
            _, batch = next(batches)
            try:
                metrics = learner.step(batch)
            finally:
                if learner.skipped:
                    on_skip(run.of_skipped(learner.skipped))
            pace.after_step()
            due = run.is_done or learner.step_count - saved_at >= checkpoint_steps(run)
            if record := journal.add({**metrics, **chances}, pace.step_s, close=due):
                on_record(record)
            if due:
                saved_at = learner.step_count
                with learner.gathered():
                    on_checkpoint()
                pace.after_checkpoint()


def checkpoint_steps(run: TrainingRun) -> int:
    """Steps from one checkpoint to the next."""
    share = run.learner.total_steps // CHECKPOINTS
    return run.plan.checkpoint_every or min(max(share, MIN_CHECKPOINT_STEPS), MAX_CHECKPOINT_STEPS)


def probabilities(learner: Learner) -> dict[str, float]:
    """All that chance decides in the coming step: number of targets, p1, p2, regions, text left out."""
    config = learner.config
    return {
        **size_probabilities(learner.curriculum, learner.progress),
        "p1": config.p1,
        "p2": learner.draws.p2(learner.step_count),
        "p_region": config.region_probability,
        "p_text_dropped": config.text_dropout,
    }


def size_probabilities(curriculum: Curriculum, progress: float) -> dict[str, float]:
    """Probability of each number of targets, as `p_targets_2`."""
    sizes = target_sets(curriculum.num_tracks).sum(1)
    chances = curriculum.probabilities(progress)
    return {f"p_targets_{k}": float(chances[sizes == k].sum()) for k in range(1, curriculum.num_tracks + 1)}


class Journal:
    """Gathers the metrics of a few steps into one record."""

    def __init__(self, run: TrainingRun) -> None:
        self._run = run
        self._sums: dict[str, tuple[float, int]] = {}
        self._steps, self._seconds, self._window_s = 0, 0.0, 0.0

    def add(self, metrics: dict[str, float], step_s: float, *, close: bool = False) -> Record | None:
        """Metrics of a step; returns a record of means when one is due.

        `close`: make it due, as before a checkpoint: a run that resumes there then writes the same records.
        A figure that only some steps have (the loss of a task that was not drawn) is the mean over those.
        """
        self._steps, self._seconds = self._steps + 1, self._seconds + step_s
        self._window_s += self._run.window_s(self._run.learner.step_count - 1)
        for name, value in metrics.items():
            total, count = self._sums.get(name, (0.0, 0))
            self._sums[name] = (total + value, count + 1)
        learner = self._run.learner
        every = -(-learner.total_steps // MAX_RECORDS) if self._run.plan.steps else 1
        if self._steps < every and not close:
            return None
        means = {name: total / count for name, (total, count) in self._sums.items()}
        record = {"step": learner.step_count, "total_steps": learner.total_steps, **means, **self._speed()}
        self._sums, self._steps, self._seconds, self._window_s = {}, 0, 0.0, 0.0
        return record

    def _speed(self) -> dict[str, float]:
        run = self._run
        per_s = run.windows.batch_size * run.plan.workers / max(self._seconds, 1e-9)
        return {
            "workers": run.present,
            "step_s": self._seconds / self._steps,
            "windows_per_s": per_s * self._steps,
            "audio_s_per_s": per_s * self._window_s,
            "train_s": run.train_s,
        }

"""Writes down a run as it goes: records, scores, checkpoints, and the best model so far."""

import shutil

from stemwright.checkpoint import damage, publish_checkpoint, read_config
from stemwright.run_folder import RunFolder
from stemwright.training_log import Record, TrainingLog
from stemwright.training_run import TrainingRun
from stemwright.validation_scores import score


class RunKeeper:
    """The one worker that writes (rank 0) has one."""

    def __init__(self, run: TrainingRun, folder: RunFolder) -> None:
        """`run`: as it goes on, in a folder that no other process writes."""
        self._run, self._folder = run, folder
        self._clear_up()
        self._metrics, self._scores = TrainingLog(folder.metrics), TrainingLog(folder.validation)
        self._skipped: TrainingLog | None = None

    def record(self, record: Record) -> None:
        """Write down a step; where the disk is full it waits for `checkpoint`."""
        self._metrics.append(record)

    def skip(self, record: Record) -> None:
        """Write down a step that was skipped."""
        self._skipped = self._skipped or TrainingLog(self._folder.skipped)
        self._skipped.append(record)

    def checkpoint(self) -> None:
        """Validate and save, publish the model if it is the best so far, and let old checkpoints go.

        OSError where the disk is full: what was there before is whole, and the run resumes from it.
        """
        run, folder, step = self._run, self._folder, self._run.learner.step_count
        run.scores = score(run)
        if run.scores:
            self._scores.append(run.scores)
        # a run that resumes from the checkpoint never comes back to what is written down before it
        for log in self._logs:
            log.flush()
        run.save(folder.checkpoint(step), resumable=True)
        if folder.best_step(up_to=step) in (step, None):
            publish_checkpoint(folder.checkpoint(step), folder.model)
        folder.prune(newest=run.plan.keep_checkpoints, up_to=step)

    def close(self) -> None:
        for log in self._logs:
            log.close()

    @property
    def _logs(self) -> list[TrainingLog]:
        return [log for log in (self._metrics, self._scores, self._skipped) if log]

    def _clear_up(self) -> None:
        """Finish what a killed process left undone."""
        folder, step = self._folder, self._run.learner.step_count
        for cut_short in (*folder.path.glob(".model.*"), *folder.path.glob("checkpoints/.step-*")):
            shutil.rmtree(cut_short, ignore_errors=True)
        best = folder.best_step(up_to=step) or step
        if folder.checkpoint(best).is_dir() and self._published_step() != best:
            publish_checkpoint(folder.checkpoint(best), folder.model)

    def _published_step(self) -> int | None:
        """The step of the model in the run's folder; None where it is not whole."""
        if damage(self._folder.model) is not None:
            return None
        return read_config(self._folder.model)["origin"]["facts"]["steps"]

"""Writes down a run as it goes: records, scores, checkpoints, and the best model so far."""

from stemwright.run_folder import RunFolder
from stemwright.training_log import Record, TrainingLog
from stemwright.training_run import TrainingRun
from stemwright.validation_scores import score


class RunKeeper:
    """The one worker that writes (rank 0) has one."""

    def __init__(self, run: TrainingRun, folder: RunFolder) -> None:
        self._run, self._folder = run, folder
        self._metrics, self._scores = TrainingLog(folder.metrics), TrainingLog(folder.validation)

    def record(self, record: Record) -> None:
        """Write down a step."""
        self._metrics.append(record)

    def checkpoint(self) -> None:
        """Validate and save, then publish the model if it is the best so far."""
        run, folder, step = self._run, self._folder, self._run.learner.step_count
        run.scores = score(run)
        run.save(folder.checkpoint(step), resumable=True)
        if run.scores:
            self._scores.append(run.scores)
        best = folder.best_step(up_to=step) or step
        if best == step:
            run.save(folder.model, resumable=False)

    def prune(self) -> None:
        """Keep the last checkpoint and the best one."""
        step = self._run.learner.step_count
        self._folder.prune({step, self._folder.best_step(up_to=step)})

    def close(self) -> None:
        self._metrics.close()
        self._scores.close()

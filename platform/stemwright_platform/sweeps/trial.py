"""One trial of a sweep: a training run of its own folder, judged at the end as all the others are."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from stemwright.checkpoint import publish_checkpoint
from stemwright.errors import InputError, TrainingDiverged
from stemwright.run_folder import RunFolder
from stemwright.run_keeper import RunKeeper
from stemwright.run_lock import run_lock
from stemwright.text_embedding import TextEncoder
from stemwright.training_loop import train
from stemwright.training_run import TrainingPlan, TrainingRun
from stemwright.validation_scores import score
from stemwright_platform.sweeps.setting import Setting, folder_name
from stemwright_platform.sweeps.trial_result import (
    FINAL,
    State,
    TrialResult,
    curve_of,
    ended,
    read_result,
    scores_of,
)

PATIENCE_S = 7 * 86_400.0
"""How long a trial waits for another process that trains the same."""

Report = Callable[[dict[str, float]], None]
"""Told of each validation but the last as it is made: `progress` in percent and the scores."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """What to train, and where it is kept."""

    setting: Setting
    """The fields that the sweep sets."""
    plan: TrainingPlan
    """The run, its seed among it."""
    folder: Path
    """Of the run; every node must see it."""
    rounds: int = 1
    """How often the final validation asks, each time with other windows and noise."""

    @property
    def name(self) -> str:
        return folder_name(self.setting, self.plan.seed)

    @property
    def result(self) -> TrialResult | None:
        """How it ended, None where it has not."""
        return read_result(self.folder)


def run_trial(
    trial: Trial,
    *,
    device: str = "cpu",
    report: Report = lambda row: None,
    text_encoder: TextEncoder | None = None,
) -> TrialResult:
    """Train and judge, or go on with what was begun; a trial that has ended well is only read.

    What a user can mend is a failed result, as is a loss that explodes; anything else is raised.
    """
    trial.folder.parent.mkdir(parents=True, exist_ok=True)
    # a searcher may ask for the same setting twice, and the process of a killed sweep may be about to end
    with run_lock(trial.folder.parent / f".{trial.folder.name}.lock", wait_s=PATIENCE_S):
        if (known := trial.result) and known.state in FINAL:
            return known
        try:
            result = _trained(trial, device, report, text_encoder)
        except TrainingDiverged as error:
            result = _cut_short(trial, "diverged", str(error))
        except InputError as error:
            result = _cut_short(trial, "failed", str(error))
        result.save(trial.folder)
        if result.state in FINAL:  # nothing will resume it: the model is what is left
            shutil.rmtree(trial.folder / "checkpoints", ignore_errors=True)
        return result


def _trained(trial: Trial, device: str, report: Report, text_encoder: TextEncoder | None) -> TrialResult:
    folder = RunFolder(trial.folder)
    folder.begin(trial.plan)
    run = TrainingRun.of(trial.plan, device=device, text_encoder=text_encoder)
    with folder.writing():
        if latest := folder.whole_checkpoint():
            run.resume(latest)
            for row in _curve(run, folder):
                report(row)  # a scheduler that has begun anew knows nothing of it
        keeper = RunKeeper(run, folder)

        def on_checkpoint() -> None:
            keeper.checkpoint()
            if not run.is_done:  # a scheduler ends a trial at its last report: the result comes before it
                report(_curve(run, folder)[-1])

        try:
            train(run, on_record=keeper.record, on_checkpoint=on_checkpoint, on_skip=keeper.skip)
        finally:
            keeper.close()
        return _judged(trial, run, folder)


def _judged(trial: Trial, run: TrainingRun, folder: RunFolder) -> TrialResult:
    """The model of the last step is what is judged and kept: choosing the best would favour noisy curves."""
    scores = scores_of(score(run, trial.rounds))
    publish_checkpoint(folder.checkpoint(run.learner.step_count), folder.model)
    return ended(
        trial.setting,
        trial.plan.seed,
        "finished",
        _curve(run, folder),
        scores=scores,
        steps=run.learner.step_count,
        train_s=run.train_s,
    )


def _curve(run: TrainingRun, folder: RunFolder) -> list[dict[str, float]]:
    learner = run.learner
    return curve_of(folder.validation, total_steps=learner.total_steps, up_to=learner.step_count)


def _cut_short(trial: Trial, state: State, reason: str) -> TrialResult:
    return TrialResult(setting=dict(trial.setting), seed=trial.plan.seed, state=state, reason=reason)

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from toy_learning import HashedText

from stemwright.checkpoint import read_config
from stemwright.errors import TrainingDiverged
from stemwright.run_folder import RunFolder
from stemwright.training_log import read_log
from stemwright_platform.sweeps.sweep_plan import SweepPlan
from stemwright_platform.sweeps.trial import Trial, run_trial
from stemwright_platform.sweeps.trial_result import TrialResult

MakePlan = Callable[..., SweepPlan]


def run(trial: Trial, **more: object) -> TrialResult:
    return run_trial(trial, text_encoder=HashedText(), **more)  # pyright: ignore[reportArgumentType]


def test_a_trial_of_the_joint_task_alone_answers_what_the_others_are_asked(
    make_plan: MakePlan, tmp_path: Path
) -> None:
    plan = make_plan("training.curriculum=joint,progressive")
    joint, whole = (run(plan.trial(setting, 1, tmp_path)) for setting in plan.settings())
    assert joint.state == whole.state == "finished"
    assert set(joint.scores) == set(whole.scores)
    assert {"ratio", "ratio.joint", "ratio.conditional", "loss.marginal"} <= set(joint.scores)


def test_a_trial_leaves_the_model_of_its_last_step_and_no_checkpoints(
    make_plan: MakePlan, tmp_path: Path
) -> None:
    trial = make_plan(steps=30).trial({}, 1, tmp_path)
    result = run(trial)
    assert read_config(trial.folder / "model")["origin"]["facts"]["steps"] == result.steps == 30
    assert not (trial.folder / "checkpoints").exists()
    assert [row["step"] for row in result.curve] == [20, 30]
    assert result.curve[-1]["progress"] == 100


def test_a_trial_that_has_ended_is_read_and_not_trained_again(make_plan: MakePlan, tmp_path: Path) -> None:
    trial = make_plan().trial({}, 1, tmp_path)
    first = run(trial)
    records = trial.folder / "metrics.jsonl"
    written = records.stat().st_mtime_ns
    assert run(trial) == first == trial.result
    assert records.stat().st_mtime_ns == written


def test_a_trial_that_was_cut_off_goes_on_and_tells_its_curve_again(
    make_plan: MakePlan, tmp_path: Path
) -> None:
    trial = make_plan(steps=60).trial({}, 1, tmp_path)

    class Killed(BaseException): ...

    def kill(row: dict[str, float]) -> None:
        raise Killed

    with pytest.raises(Killed):
        run(trial, report=kill)
    assert trial.result is None
    told: list[float] = []
    cut = run(trial, report=lambda row: told.append(row["step"]))
    assert told == [20, 40]
    never = run(replace(trial, folder=tmp_path / "never"))
    assert cut.scores == never.scores
    assert [r["step"] for r in read_log(RunFolder(trial.folder).metrics)] == [*range(1, 61)]


def test_a_loss_that_explodes_is_a_result_that_says_so(
    make_plan: MakePlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(*_: object, **__: object) -> None:
        raise TrainingDiverged("11 of the last 100 steps were skipped")

    monkeypatch.setattr("stemwright_platform.sweeps.trial.train", explode)
    result = run(make_plan().trial({}, 1, tmp_path))
    assert (result.state, result.scores) == ("diverged", {})
    assert "were skipped" in result.reason


def test_data_that_is_gone_fails_the_trial_with_one_line_until_it_is_back(
    make_plan: MakePlan, tmp_path: Path
) -> None:
    trial = make_plan().trial({}, 1, tmp_path)
    data = tmp_path / "latents"
    data.rename(tmp_path / "elsewhere")
    result = run(trial)
    assert result.state == "failed"
    assert "latents is not a prepared data set" in result.reason
    (tmp_path / "elsewhere").rename(data)
    assert run(trial).state == "finished"

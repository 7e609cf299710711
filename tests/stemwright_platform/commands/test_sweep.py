from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from stemwright.errors import InputError
from stemwright_platform.commands.sweep import app, said
from stemwright_platform.sweeps.summary import summarise
from stemwright_platform.sweeps.sweep import SweepOutcome
from stemwright_platform.sweeps.sweep_folder import SweepFolder
from stemwright_platform.sweeps.trial_result import TrialResult


def run(command: str, options: dict[str, object]) -> Result:
    words = [str(part) for option in options.items() for part in option]
    return CliRunner().invoke(app, [command, *words])


@pytest.fixture
def options(make_latents: Callable[..., Path], tmp_path: Path) -> dict[str, object]:
    data = make_latents({"song": 400, "held": 400}, held_out=["held"])
    return {"--preset": "tiny", "--data": data, "--out": tmp_path / "sweep", "--steps": 5}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"--p1": "2"}, "training.p1 is a probability"),
        ({"--p1": "0..1"}, "is a range"),
        ({"--set": "training.speed=1"}, "unknown field"),
        ({"--set": "schedule.beta_end=0.1"}, "would not compare"),
        ({"--seeds": "a"}, "seeds are whole numbers"),
        ({"--search": "random"}, "--trials"),
        ({"--score": "beauty"}, "unknown score"),
        ({"--preset": "huge"}, "unknown preset 'huge'"),
        ({"--data": "nowhere"}, "nowhere is not a prepared data set"),
        ({"--cpus-per-trial": "0"}, "at least one CPU"),
        ({"--tracking-uri": "file:///tmp/mlruns"}, "sqlite:///PATH"),
    ],
)
def test_bad_input_is_one_line_before_anything_starts(
    options: dict[str, object], changed: dict[str, object], message: str, tmp_path: Path
) -> None:
    result = run("curriculum", {**options, **changed})
    assert isinstance(result.exception, InputError), result.output
    assert message in str(result.exception)
    assert "\n" not in str(result.exception)
    assert not (tmp_path / "sweep").exists()


def test_optuna_takes_one_seed_without_being_told(
    options: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def take(plan: Any, *_: object, **__: object) -> None:
        asked.append(plan)
        raise InputError("enough")

    monkeypatch.setattr("stemwright_platform.sweeps.sweep.sweep_curriculum", take)
    run("curriculum", {**options, "--search": "optuna", "--trials": 3, "--p1": "0..1"})
    run("curriculum", {**options, "--p1": "0.2", "--p2": "0"})
    assert [plan.seeds for plan in asked] == [(1,), (1, 2, 3)]
    assert [axis.field for axis in asked[1].axes] == ["training.p1", "training.p2"]


def test_the_last_lines_name_what_failed(tmp_path: Path) -> None:
    results = (
        TrialResult(setting={"training.p1": 0.2}, seed=1, state="finished", scores={"ratio": 0.5}),
        TrialResult(setting={"training.p1": 0.8}, seed=1, state="failed", reason="out of memory"),
    )
    outcome = SweepOutcome(
        folder=SweepFolder(tmp_path), results=results, summary=summarise(results, "ratio"), known=1
    )
    text = said(outcome)
    assert "1 finished, 1 failed (1 of them before)" in text
    assert "p1=0.8,seed=1 failed: out of memory" in text


@pytest.mark.parametrize("command", ["curriculum", "ablation", "guidance"])
def test_help_shows_an_example(command: str) -> None:
    shown = " ".join(CliRunner().invoke(app, [command, "--help"]).output.split())
    assert f"stemwright sweep {command} --" in shown

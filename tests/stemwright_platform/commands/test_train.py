import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from toy_learning import HashedText
from typer.testing import CliRunner

from stemwright.errors import InputError
from stemwright.presets import load_preset
from stemwright.run_folder import RunFolder
from stemwright.training_run import TrainingPlan, TrainingRun
from stemwright_platform.commands.train import app, missed_share
from stemwright_platform.training.launch import Outcome


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"--preset": "huge"}, "unknown preset 'huge'"),
        ({"--data": "nowhere"}, "nowhere is not a prepared data set"),
        ({"--data": "nowhere@0.5"}, "nowhere is not a prepared data set"),
        ({"--steps": "0"}, "at least one step"),
        ({"--minutes": "1"}, "either in steps or in minutes"),
        ({"--workers": "0"}, "at least one worker"),
        ({"--teachers": "1"}, "p2 = 0"),
        ({"--teachers": "-1"}, "counted from 0"),
        ({"--tracking-uri": "file:///tmp/mlruns"}, "sqlite:///PATH"),
        ({"--set": "training.speed=2"}, "unknown field speed"),
        ({"--set": "training.parallel=both"}, "known: ddp, fsdp"),
        ({"--lora": "8"}, "name one with --from"),
        ({"--from": "nowhere"}, "nowhere"),
    ],
)
def test_bad_input_is_one_line_before_anything_starts(
    options: dict[str, str], message: str, make_latents: Callable[..., Path], tmp_path: Path
) -> None:
    data = make_latents({"song": 400})
    given = {"--preset": "tiny", "--data": data, "--out": tmp_path / "run", "--steps": 5, **options}
    result = run(*(part for option in given.items() for part in option))
    assert isinstance(result.exception, InputError)
    assert message in str(result.exception)
    assert "\n" not in str(result.exception)


def test_several_data_sets_make_a_mix_by_weight(
    make_latents: Callable[..., Path], tmp_path: Path, asked: list[TrainingPlan]
) -> None:
    one, two = make_latents({"a": 400}), make_latents({"b": 400}, name="two")
    result = run("--data", one, "--data", f"{two}@0.3", "--out", tmp_path / "run", "--steps", 5)
    assert result.exit_code == 0, result.exception
    assert [(source.url, source.weight) for source in asked[0].sources] == [(str(one), 1.0), (str(two), 0.3)]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[TrainingPlan]:
    """The plans of the runs that would have been started."""
    plans: list[TrainingPlan] = []
    monkeypatch.setattr(
        "stemwright_platform.training.launch.launch", lambda plan, *_, **__: plans.append(plan)
    )
    monkeypatch.setattr("stemwright_platform.commands.train.summary", lambda outcome: "done")
    return plans


def test_a_model_to_begin_with_brings_its_preset_made_for_fine_tuning(
    make_latents: Callable[..., Path], tmp_path: Path, asked: list[TrainingPlan]
) -> None:
    data, tiny = make_latents({"a": 400}), load_preset("tiny")
    base = TrainingRun.of(TrainingPlan(preset=tiny, data=str(data), steps=5), text_encoder=HashedText())
    model = base.save(tmp_path / "model", resumable=False)
    common = ("--from", model, "--data", data, "--out", tmp_path / "run", "--steps", 5)
    for options in ((), ("--lora", 4, "--set", "training.micro_batch=2"), ("--preset", "tiny")):
        result = run(*common, *options)
        assert result.exit_code == 0, result.exception
    whole, adapted, named = (plan.preset.training for plan in asked)
    assert {plan.start for plan in asked} == {str(model)}
    assert (whole.curriculum, whole.lora_rank) == ("uniform", None)
    assert whole.learning_rate < tiny.training.learning_rate
    assert (adapted.lora_rank, adapted.micro_batch) == (4, 2)
    assert named == tiny.training


@pytest.mark.parametrize(("served", "share"), [([4.0, 0.0], 0.5), ([4.0, 3.9], 0.0), ([], 0.0)])
def test_teachers_that_were_too_slow_are_told_of_at_the_end(
    served: list[float], share: float, tmp_path: Path
) -> None:
    folder = RunFolder(tmp_path)
    before = {"step": 1, "loss": 1.0}
    records = [
        {"step": 2 + number, "teacher_wanted": 4.0, "teacher_served": share}
        for number, share in enumerate(served)
    ]
    folder.metrics.write_text("".join(json.dumps(record) + "\n" for record in [before, *records]))
    assert missed_share(Outcome(folder=folder)) == share


def test_help_shows_an_example() -> None:
    assert "stemwright train --preset small --data data/latents --out runs/first" in " ".join(
        run("--help").output.split()
    )

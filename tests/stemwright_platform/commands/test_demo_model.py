import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stemwright import shipped_model
from stemwright.checkpoint import load_checkpoint
from stemwright.compose import Composer, Request
from stemwright.errors import InputError
from stemwright.tasks import Task
from stemwright_platform.commands import demo_model
from stemwright_platform.commands.demo_model import make, overview, ship
from stemwright_platform.demo_model.plan import DemoModelPlan
from stemwright_platform.demo_model.recipe import recipe


def tiny_plan(out: Path) -> DemoModelPlan:
    return DemoModelPlan(
        out=out,
        songs=20,
        song_s=8.0,
        codec_name="mdct",
        preset="tiny",
        steps=2,
        scales=(1.0, 2.0),
        sweep_clips=1,
        evaluation_clips=2,
        patches=0,
        local=True,
    )


def test_a_dry_run_says_every_stage_and_writes_nothing(tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = CliRunner().invoke(demo_model.app, ["--out", str(out), "--codec", "mdct", "--dry-run"])
    assert result.exception is None, result.output
    stages = [line.split()[1] for line in result.output.splitlines() if line.startswith("  ")]
    assert stages == ["songs", "latents", "training", "guidance", "evaluation", "assessment", "model"]
    assert not out.exists()


def test_bad_input_is_one_line(tmp_path: Path) -> None:
    result = CliRunner().invoke(demo_model.app, ["--out", str(tmp_path / "out"), "--songs", "1"])
    assert isinstance(result.exception, InputError)
    assert not (tmp_path / "out").exists()


def test_help_shows_an_example() -> None:
    said = CliRunner().invoke(demo_model.app, ["--help"], env={"COLUMNS": "200"}).output
    assert demo_model.EXAMPLE in " ".join(said.split())


@pytest.mark.slow
def test_from_nothing_to_a_model_that_composes_with_its_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = tiny_plan(tmp_path / "out")
    make(plan, recipe(plan, print))
    facts = load_checkpoint(plan.model).origin.facts
    assert facts["steps"] == 2
    assert facts["weights"].startswith("float16")
    assert [row["corpus"] for row in facts["corpora"]] == ["demo"]
    card = (plan.model / "README.md").read_text()
    assert "(curves.png)" in card
    assert "stemwright demo-model --out out" in card
    assert str(tmp_path) not in card + (plan.model / "checkpoint.json").read_text()
    assert (plan.model / "curves.png").stat().st_size < 100_000
    assert json.loads(plan.out.joinpath("figures.json").read_text())
    stems = Composer.load(plan.model).generate(Request(task=Task(("bass",)), duration_s=1.0, num_steps=2))
    assert stems["bass"].shape == (2, 48_000)

    again = recipe(plan, print)
    assert overview(plan, again).count(" done ") == len(again)
    monkeypatch.setattr(shipped_model, "shipped_folder", lambda: tmp_path / "weights" / "demo_model")
    (tmp_path / "weights").mkdir()
    assert "demo_model" in ship(plan)
    assert load_checkpoint("shipped").fingerprint == load_checkpoint(plan.model).fingerprint

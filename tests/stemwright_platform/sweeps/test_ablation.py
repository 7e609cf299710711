import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from stemwright.errors import InputError
from stemwright.presets import load_preset
from stemwright.tracks import TRACKS
from stemwright_platform.evaluation.score_row import ScoreRow
from stemwright_platform.sweeps.ablation import listed, models_of, plan_ablation, run_ablation
from stemwright_platform.sweeps.ablation_row import AblationRow, ablation_rows
from stemwright_platform.sweeps.setting import with_setting
from stemwright_platform.sweeps.sweep_plan import SweepPlan

SMALL = {"training.windows_s": (0.2,), "training.batch_size": 2}


@pytest.fixture
def plan(make_latents: Callable[..., Path]) -> SweepPlan:
    data = make_latents({"a": 200, "b": 150, "held": 120}, held_out=["held"])
    return plan_ablation(load_preset("tiny"), [str(data)], steps=3, seeds=(1, 2), fixed=SMALL, rounds=1)


def test_trainings_differ_by_what_their_row_adds_and_by_nothing_else(plan: SweepPlan, tmp_path: Path) -> None:
    trials = listed(ablation_rows(), plan, tmp_path)
    assert len(trials) == 6  # three models, two seeds: interactive inference has the third one's
    assert {trial.plan.preset.training.curriculum for trial in trials} == {"joint", "uniform", "progressive"}
    assert len({(trial.plan.steps, trial.plan.preset.training.batch_size) for trial in trials}) == 1
    same = {str(with_setting(trial.plan.preset, {"training.curriculum": "joint"})) for trial in trials}
    assert len(same) == 1
    assert len({str(trial.plan.judge) for trial in trials}) == 1


def test_what_the_rows_differ_by_cannot_be_fixed_for_all_of_them() -> None:
    with pytest.raises(InputError, match=r"training\.curriculum is what the rows"):
        plan_ablation(load_preset("tiny"), ["x"], steps=3, fixed={"training.curriculum": "joint"})


@pytest.mark.ray
@pytest.mark.usefixtures("ray_cluster")
def test_rows_are_trained_generate_and_stand_in_one_table(
    plan: SweepPlan, tmp_path: Path, sweeps_tracking_uri: str
) -> None:
    asked: list[tuple[str, int]] = []

    def score(
        rows: Sequence[AblationRow], models: Mapping[tuple[str, int], Path], out: Path
    ) -> dict[tuple[str, int], list[ScoreRow]]:
        asked.extend(models)
        assert models["interactive", 1] == models["curriculum", 1]
        assert all((model / "model.safetensors").is_file() for model in models.values())
        order = [row.name for row in rows]
        return {
            (name, seed): [
                ScoreRow(
                    score="onset_lock",
                    system=name,
                    task="joint",
                    part="mix",
                    value=order.index(name) + seed / 100 + 0.001 * len(name),
                    low=0,
                    high=0,
                    n=2,
                )
            ]
            for name, seed in models
        }

    plan = replace(plan, seeds=(1,))
    outcome = run_ablation(plan, tmp_path / "ablation", scorer=score, tracking_uri=sweeps_tracking_uri)
    assert [result.state for result in outcome.results] == ["finished"] * 3
    assert len(asked) == 4
    table = (outcome.folder.path / "table.md").read_text()
    held_out, generated = table.split("## Generated: ")
    lines = {line.split(" | ")[0].strip("| "): line for line in held_out.splitlines() if line.startswith("|")}
    assert lines["baseline"].count("–") == 3  # it has learned the joint task alone
    assert lines["+ interactive inference"].count("–") == 4  # the model of the row above
    assert "–" not in lines["+ curriculum training strategy"]
    assert "+ interactive inference | 3." in generated
    report = json.loads(outcome.folder.results.read_text())
    assert len(report["made"]) == 4
    again = run_ablation(plan, tmp_path / "ablation", tracking_uri=sweeps_tracking_uri)
    assert again.known == 3
    assert models_of(ablation_rows(), plan.absolute(), outcome.folder.path).keys() == set(asked)


def test_interactive_inference_makes_every_track_once() -> None:
    last = ablation_rows()[-1]
    assert last.stages_of(TRACKS) == (("instrument", "melody"), ("bass", "drums"))
    first = ablation_rows(("drums",), TRACKS)[-1]
    assert first.stages_of(TRACKS) == (("drums",), ("bass", "instrument", "melody"))
    assert ablation_rows()[0].stages_of(TRACKS) == (TRACKS.names,)
    with pytest.raises(InputError, match="some of the tracks"):
        ablation_rows(TRACKS.names, TRACKS)

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
from stemwright_platform.sweeps.ablation_made import MadeScores
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
    assert len(trials) == 8  # four models, two seeds: interactive inference has the last one's
    assert {trial.plan.preset.training.curriculum for trial in trials} == {"joint", "uniform", "progressive"}
    assert [trial.plan.preset.training.p2 for trial in trials[:4]] == [0, 0, 0, 0.5]
    assert trials[3].plan.preset.training.p2_starts_at_epoch < plan.steps  # type: ignore[operator]
    assert len({(trial.plan.steps, trial.plan.preset.training.batch_size) for trial in trials}) == 1
    alike = {
        "training.curriculum": "joint",
        "training.p2": 0.0,
        "training.p2_starts_at_epoch": 300.0,
    }
    assert len({str(with_setting(trial.plan.preset, alike)) for trial in trials}) == 1
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
    ) -> dict[tuple[str, int], MadeScores]:
        asked.extend(models)
        assert models["interactive", 1] == models["bootstrapping", 1]
        assert all((model / "model.safetensors").is_file() for model in models.values())
        order = [row.name for row in rows]
        return {(name, seed): said(name, order.index(name)) for name, seed in models}

    plan, rows = replace(plan, seeds=(1,)), ablation_rows(("baseline", "bootstrapping", "interactive"))
    outcome = run_ablation(
        plan, tmp_path / "ablation", rows=rows, scorer=score, tracking_uri=sweeps_tracking_uri
    )
    assert [result.state for result in outcome.results] == ["finished"] * 2
    assert len(asked) == 3
    table = (outcome.folder.path / "table.md").read_text()
    of_kind = {part.split("\n", 1)[0]: part for part in table.split("## ")}
    lines = {
        line.split(" | ")[0].strip("| "): line
        for line in of_kind["Held-out error"].splitlines()
        if line.startswith("|")
    }
    assert lines["baseline"].count("–") == 3  # it has learned the joint task alone
    assert lines["+ interactive inference"].count("–") == 4  # the model of the row above
    assert "–" not in lines["+ self-bootstrapping"]
    assert "| + interactive inference | 2.50 " in of_kind["Generated, joint"]
    assert "| + interactive inference | 2.00 |" in of_kind["All tracks at once: onset lock"]
    assert "training, mean" in of_kind["Budget"]
    assert (outcome.folder.pictures / "ablation.png").stat().st_size > 5000
    report = json.loads(outcome.folder.results.read_text())
    assert len(report["made"]) == 3
    again = run_ablation(plan, tmp_path / "ablation", rows=rows, tracking_uri=sweeps_tracking_uri)
    assert again.known == 2
    assert models_of(rows, plan.absolute(), outcome.folder.path).keys() == set(asked)


def said(name: str, place: int) -> MadeScores:
    """A row's scores, higher by one from row to row."""
    row = ScoreRow(
        score="onset_lock", system=name, task="joint", part="bass|drums", value=place, low=0, high=0, n=2
    )
    songs = {f"song {number}": place + number / 3 for number in range(4)}
    return MadeScores(rows=(row,), by_song={("joint", "onset_lock"): songs})


def test_interactive_inference_makes_every_track_once() -> None:
    last = ablation_rows()[-1]
    assert last.model_of == "bootstrapping"
    assert last.stages_of(TRACKS) == (("instrument", "melody"), ("bass", "drums"))
    first = ablation_rows(first=("drums",), tracks=TRACKS)
    assert first[-1].stages_of(TRACKS) == (("drums",), ("bass", "instrument", "melody"))
    assert first[0].stages_of(TRACKS) == (TRACKS.names,)
    with pytest.raises(InputError, match="some of the tracks"):
        ablation_rows(first=TRACKS.names, tracks=TRACKS)


def test_some_of_the_rows_keep_their_order_and_the_last_one_has_the_model_of_the_one_before() -> None:
    rows = ablation_rows(("interactive", "curriculum", "baseline"))
    assert [row.name for row in rows] == ["baseline", "curriculum", "interactive"]
    assert rows[-1].model_of == "curriculum"
    with pytest.raises(InputError, match="row interactive uses the model"):
        ablation_rows(("baseline", "interactive"))
    with pytest.raises(InputError, match="no row 'dropout': choose from baseline, vector"):
        ablation_rows(("baseline", "dropout"))

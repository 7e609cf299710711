"""Models of an ablation evaluated for real: small models, sound, scores, one table."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from stemwright_platform.evaluation.evaluation_plan import EvaluationPlan
from stemwright_platform.evaluation.making import Source
from stemwright_platform.evaluation.systems import SamplingChoice
from stemwright_platform.sweeps.ablation_figures import columns_of
from stemwright_platform.sweeps.ablation_row import ablation_rows
from stemwright_platform.sweeps.ablation_scoring import GenerationScoring, share_references


def sounds(out: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in out.rglob("*.flac")}


def test_models_make_what_they_know_and_a_second_call_makes_nothing(
    small_source: Source, make_checkpoint: Callable[..., Path], tmp_path: Path
) -> None:
    plan = EvaluationPlan(
        source=small_source,
        clips=2,
        duration_s=3.0,
        tasks=("joint", "marginal"),
        sampling=SamplingChoice(num_steps=1),
        references=2,
    )
    rows = ablation_rows(("baseline", "vector", "interactive"))
    model = Path(small_source.model)
    models = {("baseline", 1): model, ("vector", 1): model, ("interactive", 1): model}
    scorer = GenerationScoring(plan=plan)
    made = scorer(rows, models, tmp_path / "made")
    assert made.keys() == models.keys()
    tasks = {key: {row.task for row in scores.rows} for key, scores in made.items()}
    assert tasks["baseline", 1] == {"joint"}
    assert {"joint", "bass_alone", "melody_alone"} <= tasks["vector", 1]
    columns = {(column.kind, column.info.score): column for column in columns_of(rows, made)}
    assert list(columns["joint", "frechet.musicnn"].figures) == ["baseline", "vector", "interactive"]
    assert list(columns["marginal", "frechet.musicnn"].figures) == ["vector"]
    assert scores_of(made, "baseline") == scores_of(made, "vector")  # the same model, prompts and noise
    assert scores_of(made, "interactive") != scores_of(made, "vector")
    before = sounds(tmp_path)
    few = {key: model for key in models if key[0] != "baseline"}
    assert scorer(rows, few, tmp_path / "made").keys() == few.keys()
    assert sounds(tmp_path) == before


def scores_of(made: dict, name: str) -> dict[str, float]:
    return {row.part: row.value for row in made[name, 1].rows if (row.score, row.task) == ("rms_db", "joint")}


@pytest.mark.parametrize("linked", [True, False])
def test_references_are_made_once_wherever_files_can_have_two_names_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, linked: bool
) -> None:
    def refused(source: str, target: str) -> None:
        raise OSError

    if not linked:
        monkeypatch.setattr(os, "link", refused)
    one, other = tmp_path / "one", tmp_path / "other"
    for system in ("real", "shuffled", "model"):
        (one / "clips" / system / "joint" / "a").mkdir(parents=True)
        (one / "clips" / system / "joint" / "a" / "bass.flac").write_text(system)
    share_references(one, other)
    share_references(one, other)
    assert sorted(path.name for path in (other / "clips").iterdir()) == ["real", "shuffled"]
    copy = other / "clips" / "real" / "joint" / "a" / "bass.flac"
    assert copy.read_text() == "real"
    assert copy.samefile(one / "clips" / "real" / "joint" / "a" / "bass.flac") == linked


def test_without_a_model_nothing_is_made(small_source: Source, tmp_path: Path) -> None:
    plan = EvaluationPlan(source=small_source, clips=2, duration_s=3.0)
    assert GenerationScoring(plan=plan)(ablation_rows(), {}, tmp_path / "made") == {}

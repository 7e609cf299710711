import json
import math
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stemwright.errors import InputError
from stemwright_platform.evaluation.clip_score_table import read_clip_scores
from stemwright_platform.evaluation.evaluate import evaluate_model
from stemwright_platform.evaluation.evaluation_plan import EvaluationPlan
from stemwright_platform.evaluation.making import Source
from stemwright_platform.evaluation.systems import SamplingChoice

GIVEN = "bass_given_drums_instrument_melody"
Values = Mapping[tuple[str, str, str, str, str], float]


def plan_of(source: Source, **changes: Any) -> EvaluationPlan:
    plan = EvaluationPlan(
        source=source,
        clips=2,
        duration_s=4.0,
        tasks=("joint", GIVEN, "bass_alone"),
        sampling=SamplingChoice(num_steps=2),
        references=3,
        training=4,
        retakes=2,
        takes=2,
    )
    return replace(plan, **changes)


def values_of(out: Path) -> Values:
    """(system, task, clip, score, part) → value."""
    rows = read_clip_scores(out).to_pylist()
    return {(r["system"], r["task"], r["clip"], r["score"], r["part"]): r["value"] for r in rows}


def report_of(out: Path) -> dict[str, Any]:
    return json.loads((out / "report.json").read_text())


@pytest.fixture(scope="module")
def evaluated(small_source: Source, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("evaluated") / "report"
    evaluate_model(plan_of(small_source), out)
    return out


def test_every_figure_of_the_model_stands_between_floor_and_ceiling(evaluated: Path) -> None:
    rows = report_of(evaluated)["rows"]
    by_score: dict[str, set[str]] = {}
    for row in rows:
        by_score.setdefault(row["score"], set()).add(row["system"])
    others = {"real", "round_trip", "shuffled", "untrained"}
    for score in ("frechet.musicnn", "onset_lock", "rms_db", "leakage", "tempo_adherence", "tag_agreement"):
        assert by_score[score] >= {"model", "real"}, score
    assert by_score["onset_lock"] >= others
    assert by_score["diversity"] == by_score["given_change"] == {"model"}
    assert {"joint", GIVEN, "bass_alone"} == {row["task"] for row in rows}


def test_given_tracks_come_back_as_they_were_and_in_the_same_file(evaluated: Path) -> None:
    changes = {key[4]: value for key, value in values_of(evaluated).items() if key[3] == "given_change"}
    assert changes == {"drums": 0.0, "instrument": 0.0, "melody": 0.0}
    for clip in (evaluated / "clips" / "model" / GIVEN).iterdir():
        real = evaluated / "clips" / "real" / "joint" / clip.name
        assert (clip / "drums.flac").samefile(real / "drums.flac")
        assert not (clip / "bass.flac").samefile(real / "bass.flac")


def test_the_page_and_every_file_it_plays_are_there(evaluated: Path) -> None:
    page = (evaluated / "index.html").read_text()
    played = {part.split('"')[0] for part in page.split('src="')[1:]}
    assert any(name.endswith(".flac") for name in played)
    assert [name for name in played if not name.startswith("data:") and not (evaluated / name).exists()] == []


def test_a_second_call_hears_and_makes_nothing_and_says_the_same(
    evaluated: Path, small_source: Source
) -> None:
    before, values = report_of(evaluated), values_of(evaluated)
    files = {path: path.stat().st_mtime_ns for path in evaluated.rglob("*") if path.suffix != ".png"}
    evaluate_model(plan_of(small_source), evaluated)
    assert values_of(evaluated) == values
    assert {**report_of(evaluated), "created": 0} == {**before, "created": 0}
    written = {path for path, time in files.items() if path.is_file() and path.stat().st_mtime_ns != time}
    assert {path.parent for path in written} <= {evaluated}


def test_what_is_lost_is_made_again_to_the_sample(evaluated: Path, small_source: Source) -> None:
    lost = sorted((evaluated / "clips" / "model" / "joint").iterdir())[0]
    before = {path.name: path.read_bytes() for path in lost.iterdir()}
    shutil.rmtree(lost)
    evaluate_model(plan_of(small_source), evaluated)
    assert {path.name: path.read_bytes() for path in lost.iterdir()} == before


def test_a_baseline_that_is_the_real_music_scores_as_the_real_music(
    evaluated: Path, small_source: Source, tmp_path: Path
) -> None:
    theirs = tmp_path / "theirs"
    shutil.copytree(evaluated / "clips" / "real" / "joint", theirs)
    evaluate_model(plan_of(small_source), evaluated, baselines={"theirs": theirs})
    values = values_of(evaluated)
    mine = {key[1:]: value for key, value in values.items() if key[0] == "theirs"}
    assert len(mine) > 50
    for key, value in mine.items():
        if key[2] != "tag_agreement":
            assert values["real", *key] == pytest.approx(value), key
    compared = report_of(evaluated)["comparisons"]
    assert {(row["a"], row["b"]) for row in compared} == {("model", "theirs")}


def test_without_a_manifest_the_round_trip_is_the_ceiling(small_source: Source, tmp_path: Path) -> None:
    plan = plan_of(small_source, tasks=("joint",), retakes=0)
    evaluate_model(replace(plan, source=replace(plan.source, manifest=None)), tmp_path / "report")
    systems = {key[0] for key in values_of(tmp_path / "report")}
    assert systems == {"model", "round_trip", "shuffled", "untrained"}
    assert report_of(tmp_path / "report")["data"]["recordings"] is False


def test_figures_are_finite_and_their_intervals_hold_them(evaluated: Path) -> None:
    rows = [row for row in report_of(evaluated)["rows"] if row["n"]]
    for row in rows:
        assert math.isfinite(row["value"])
        if row["low"] is not None:
            assert row["low"] <= row["value"] <= row["high"], row


@pytest.mark.ray
def test_actors_find_what_one_process_finds(
    ray_cluster: Any, evaluated: Path, small_source: Source, tmp_path: Path
) -> None:
    evaluate_model(
        plan_of(small_source, tasks=("joint",), retakes=0, training=0), tmp_path / "report", jobs=2
    )
    alone = {
        key: value for key, value in values_of(evaluated).items() if key[0] != "theirs" and key[1] == "joint"
    }
    together = values_of(tmp_path / "report")
    assert together.keys() == alone.keys()
    for key, value in alone.items():
        assert together[key] == pytest.approx(value, rel=1e-3, abs=1e-3), key


def test_another_plan_is_refused_before_anything_is_made(evaluated: Path, small_source: Source) -> None:
    with pytest.raises(InputError, match="other settings"):
        evaluate_model(plan_of(small_source, duration_s=3.0), evaluated)


def test_a_damaged_recording_is_named_and_the_rest_is_kept(small_source: Source, tmp_path: Path) -> None:
    folder = tmp_path / "corpus"
    shutil.copytree(Path(small_source.manifest or "").parent, folder)
    for song in (folder / "songs").iterdir():
        (song / "drums.flac").write_bytes(b"fLaC no more")
    plan = plan_of(small_source)
    broken = replace(plan, source=replace(plan.source, manifest=str(folder / "manifest.parquet")))
    with pytest.raises(InputError, match=r"drums\.flac"):
        evaluate_model(broken, tmp_path / "report")

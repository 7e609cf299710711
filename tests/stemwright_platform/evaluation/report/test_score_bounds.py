import math

import pytest
from report_folder import edit_report, make_report_folder

from stemwright_platform.evaluation.report.evaluation_folder import EvaluationReport, read_evaluation
from stemwright_platform.evaluation.report.score_bounds import bounds_of, reference_row
from stemwright_platform.evaluation.report.wording import MODEL


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory) -> EvaluationReport:
    return read_evaluation(make_report_folder(tmp_path_factory.mktemp("bounds"), num_clips=6, sound=False))


def changed(tmp_path, score: str, values: dict[str, tuple[float, float, float]]) -> EvaluationReport:
    """An evaluation in which systems have these values, low and high, of a score's joint mix."""
    folder = make_report_folder(tmp_path, num_clips=2, sound=False)
    rows = [
        {
            "score": score, "system": system, "task": "joint", "part": "mix",
            "value": value, "low": low, "high": high, "n": 2, "note": "",
        }
        for system, (value, low, high) in values.items()
    ]  # fmt: skip
    edit_report(folder, rows=rows)
    return read_evaluation(folder)


@pytest.mark.parametrize("score", ["tag_agreement", "leakage", "frechet.musicnn"])
def test_the_floor_is_at_0_and_the_ceiling_at_1_whichever_way_is_better(evaluation, score):
    part = "bass" if score == "leakage" else "mix"
    bounds = bounds_of(evaluation, score, "joint", part)
    assert bounds.floor
    assert bounds.ceiling
    assert (bounds.share(bounds.floor.value), bounds.share(bounds.ceiling.value)) == (0, 1)
    row = evaluation.row(score, MODEL, "joint", part)
    assert row is not None
    assert 0.3 < bounds.share(row.value) < 0.7


def test_the_bounds_are_the_better_of_floors_and_of_ceilings(evaluation):
    bounds = bounds_of(evaluation, "tag_agreement", "joint", "mix")
    assert bounds.floor
    assert bounds.ceiling
    assert (bounds.floor.system, bounds.ceiling.system) == ("untrained", "real")


def test_shuffled_stems_bound_how_stems_fit_and_nothing_else(tmp_path):
    values = {"shuffled": (0.3, 0.25, 0.35), "untrained": (0.1, 0.0, 0.15), "real": (0.9, 0.8, 1.0)}
    fit = bounds_of(changed(tmp_path / "fit", "onset_lock", values), "onset_lock", "joint", "mix")
    text = bounds_of(changed(tmp_path / "text", "tag_agreement", values), "tag_agreement", "joint", "mix")
    assert fit.floor
    assert text.floor
    assert (fit.floor.system, text.floor.system) == ("shuffled", "untrained")


def test_no_share_where_floor_and_ceiling_overlap(tmp_path):
    values = {"shuffled": (0.1, 0.0, 0.4), "real": (0.3, 0.2, 0.5)}
    bounds = bounds_of(changed(tmp_path, "onset_lock", values), "onset_lock", "joint", "mix")
    assert math.isnan(bounds.share(0.2))
    assert "told apart" in bounds.reason


def test_no_share_where_the_floor_is_better_than_the_ceiling(tmp_path):
    values = {"shuffled": (0.5, 0.45, 0.55), "real": (0.3, 0.25, 0.35)}
    bounds = bounds_of(changed(tmp_path, "onset_lock", values), "onset_lock", "joint", "mix")
    assert math.isnan(bounds.share(0.4))
    assert bounds.reason


def test_no_share_without_a_floor_or_without_an_opinion(tmp_path, evaluation):
    lone = changed(tmp_path, "tag_agreement", {"real": (0.3, 0.2, 0.5)})
    assert "no floor" in bounds_of(lone, "tag_agreement", "joint", "mix").reason
    assert math.isnan(bounds_of(evaluation, "silence", "joint", "bass").share(0.5))


def test_real_songs_serve_every_task_and_the_untrained_model_only_its_own(evaluation):
    task = "bass_given_drums_instrument_melody"
    real = reference_row(evaluation, "tag_agreement", "real", task, "mix")
    assert real is not None
    assert real.task == "joint"
    untrained = reference_row(evaluation, "tag_agreement", "untrained", task, "mix")
    assert untrained is not None
    assert untrained.task == task
    assert reference_row(evaluation, "tag_agreement", "untrained", "drums_alone", "mix") is None

import pytest
from report_folder import INFOS, edit_report, make_report_folder

from stemwright_platform.evaluation.report.evaluation_folder import EvaluationReport, read_evaluation
from stemwright_platform.evaluation.report.score_table import (
    ScoreTable,
    best_baseline,
    bounds_table,
    ordered_systems,
    systems_table,
)

TEXT = next(info for info in INFOS if info.score == "tag_agreement")
LOCK = next(info for info in INFOS if info.score == "onset_lock")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_report_folder(tmp_path_factory.mktemp("tables"), num_clips=8, sound=False)


@pytest.fixture(scope="module")
def evaluation(folder) -> EvaluationReport:
    return read_evaluation(folder)


def by_place(table: ScoreTable):
    columns = [column.label for column in table.columns]
    return {line.label: dict(zip(columns, line.figures, strict=True)) for line in table.lines}


def test_the_first_table_has_the_columns_of_the_papers(evaluation):
    table = systems_table(evaluation, TEXT)
    assert [column.label for column in table.columns] == ["bass", "drums", "instrument", "melody", "mixed"]
    assert [line.label for line in table.lines][2:4] == ["blurry", "model"]


def test_stars_stand_where_the_model_is_the_better_and_nowhere_else(tmp_path, evaluation):
    cells = by_place(systems_table(evaluation, TEXT))
    assert cells["model"]["mixed"].stars
    assert not any(
        figure.stars for name, line in cells.items() if name != "model" for figure in line.values()
    )
    worse = read_evaluation(make_report_folder(tmp_path, num_clips=8, level=0.2, sound=False))
    assert any(row.stars for row in worse.comparisons if row.score == TEXT.score)
    assert not by_place(systems_table(worse, TEXT))["model"]["mixed"].stars


def test_every_part_stands_between_its_floors_and_ceilings(evaluation):
    table = bounds_table(evaluation, LOCK)
    roles = [column.role for column in table.columns]
    assert roles == ["floor"] * 2 + ["made"] * 4 + ["ceiling"] * 2
    for line in table.lines:
        values = [float(figure.text) for figure in line.figures]
        assert max(values[:2]) < min(values[2:6]) <= max(values[2:6]) < min(values[6:])


def test_what_is_made_has_a_share_and_what_bounds_it_has_none(evaluation):
    table = bounds_table(evaluation, LOCK)
    for line in table.lines:
        for column, figure in zip(table.columns, line.figures, strict=True):
            assert bool(figure.share_text) == (column.role == "made")


def test_a_share_outside_of_the_bounds_keeps_its_number_but_not_its_bar(tmp_path):
    evaluation = read_evaluation(make_report_folder(tmp_path, num_clips=8, level=1.4, sound=False))
    figure = by_place(bounds_table(evaluation, LOCK))["bass · drums"]["joint"]
    assert figure.share > 1
    assert figure.bar == 100


def test_the_best_baseline_is_chosen_by_what_is_better(folder, tmp_path):
    copy = make_report_folder(tmp_path, num_clips=2, sound=False)
    rows = edit_report(copy)["rows"]
    worse = [{**row, "system": "worse", "value": -9.0} for row in rows if row["system"] == "blurry"]
    edit_report(copy, rows=rows + worse)
    evaluation = read_evaluation(copy)
    assert best_baseline(evaluation, TEXT) == "blurry"
    leakage = next(info for info in INFOS if info.score == "leakage")
    assert best_baseline(evaluation, leakage) == "worse"


def test_systems_stand_in_the_order_floors_baselines_model_ceilings():
    systems = {"real", "model", "zeta", "shuffled", "alpha", "round_trip", "untrained"}
    assert ordered_systems(systems) == [
        "shuffled", "untrained", "alpha", "zeta", "model", "round_trip", "real",
    ]  # fmt: skip

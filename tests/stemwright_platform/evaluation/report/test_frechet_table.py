import pytest
from report_folder import INFOS, edit_report, make_report_folder

from stemwright_platform.evaluation.report.evaluation_folder import read_evaluation
from stemwright_platform.evaluation.report.frechet_table import frechet_tables, is_limit, limits_of


@pytest.mark.parametrize(
    ("score", "limit"),
    [("frechet.clap", False), ("frechet_infinity.clap", True), ("frechet.infernal", False)],
)
def test_limits_are_told_by_their_names(score, limit):
    assert is_limit(score) == limit


def test_each_distance_finds_its_own_limit():
    assert limits_of(list(INFOS)) == {"frechet.musicnn": "frechet_infinity.musicnn"}


def test_a_line_has_data_set_distance_limit_and_n(tmp_path):
    evaluation = read_evaluation(make_report_folder(tmp_path, num_clips=4, sound=False))
    (table,) = frechet_tables(evaluation)
    line = next(line for line in table.lines if line.label == "model")
    assert [figure.text for figure in line.figures] == ["demo", "27.0", "25.0", "4"]
    assert any("reference" in note for note in table.notes)


def test_the_mix_comes_first_and_each_part_has_a_table(tmp_path):
    folder = make_report_folder(tmp_path, num_clips=2, sound=False)
    rows = [row for row in edit_report(folder)["rows"] if row["score"].startswith("frechet")]
    edit_report(folder, rows=[*({**row, "part": "bass"} for row in rows), *rows])
    assert [table.heading for table in frechet_tables(read_evaluation(folder))] == ["The mix", "bass"]

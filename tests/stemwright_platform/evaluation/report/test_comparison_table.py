from report_folder import INFOS, make_report_folder

from stemwright.tracks import TRACKS
from stemwright_platform.evaluation.report.comparison_table import comparison_table
from stemwright_platform.evaluation.report.evaluation_folder import read_evaluation

BY_NAME = {info.score: info for info in INFOS}


def test_a_line_a_score_and_part_and_a_cell_tells_difference_means_and_both_p_values(tmp_path):
    rows = read_evaluation(make_report_folder(tmp_path, num_clips=8, sound=False)).comparisons
    table = comparison_table(rows, BY_NAME, TRACKS, {("onset_lock", "joint", "bass|drums"): (0.5, 0.25)})
    assert len(table.lines) == len({(row.score, row.part) for row in rows})
    line = next(line for line in table.lines if (line.label, line.note) == ("Onset lock ↑", "bass · drums"))
    (figure,) = line.figures
    assert figure.text.startswith("+")
    assert figure.extra == "0.50 − 0.25"
    assert "alone" in figure.about
    assert "corrected" in figure.about


def test_where_less_is_better_the_lower_one_is_called_the_better(tmp_path):
    rows = read_evaluation(make_report_folder(tmp_path, num_clips=8, sound=False)).comparisons
    table = comparison_table([row for row in rows if row.score == "leakage"], BY_NAME, TRACKS, {})
    figure = table.lines[0].figures[0]
    assert figure.text.startswith("−")
    assert "model is better" in figure.about


def test_no_comparison_is_an_empty_table():
    assert comparison_table([], BY_NAME, TRACKS, {}).lines == []


def test_it_says_when_the_pairs_are_too_few_for_any_star(tmp_path):
    few, enough = (
        read_evaluation(make_report_folder(tmp_path / str(n), num_clips=n, sound=False)).comparisons
        for n in (5, 12)
    )
    assert any("too few pairs" in note for note in comparison_table(few, BY_NAME, TRACKS, {}).notes)
    assert not any(row.stars for row in few if row.score == "onset_lock")
    assert not any("too few pairs" in note for note in comparison_table(enough, BY_NAME, TRACKS, {}).notes)

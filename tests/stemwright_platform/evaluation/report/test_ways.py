from report_folder import edit_report, make_report_folder

from stemwright_platform.evaluation.report.evaluation_folder import read_evaluation
from stemwright_platform.evaluation.report.ways import ways, ways_table


def test_a_better_model_has_come_farther_by_every_score(tmp_path):
    near, far = (
        ways(
            read_evaluation(make_report_folder(tmp_path / str(level), num_clips=8, level=level, sound=False))
        )
        for level in (0.4, 0.7)
    )
    assert [(way.info.score, way.mode) for way in near] == [(way.info.score, way.mode) for way in far]
    assert all(a.mean < b.mean for a, b in zip(near, far, strict=True))


def test_limits_and_scores_without_an_opinion_are_no_ways(tmp_path):
    evaluation = read_evaluation(make_report_folder(tmp_path, num_clips=8, sound=False))
    scores = {way.info.score for way in ways(evaluation)}
    assert "silence" not in scores
    assert "frechet_infinity.musicnn" not in scores
    assert {"frechet.musicnn", "onset_lock", "leakage"} <= scores


def test_a_mode_that_was_not_measured_has_no_column(tmp_path):
    folder = make_report_folder(tmp_path, num_clips=8, sound=False)
    rows = edit_report(folder)["rows"]
    edit_report(folder, rows=[row for row in rows if row["task"] != "melody_alone"])
    table = ways_table(read_evaluation(folder))
    assert [column.label for column in table.columns] == ["joint", "conditional"]
    assert all(len(line.figures) == 2 for line in table.lines)

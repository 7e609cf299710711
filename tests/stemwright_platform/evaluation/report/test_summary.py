from report_folder import edit_report, make_report_folder

from stemwright_platform.evaluation.report.evaluation_folder import read_evaluation
from stemwright_platform.evaluation.report.summary import LIMITS, summary


def told(folder) -> str:
    return " ".join(summary(read_evaluation(folder)))


def test_it_tells_distance_bounds_shares_and_limits(tmp_path):
    text = told(make_report_folder(tmp_path, num_clips=6, sound=False))
    assert "6 clips" in text
    assert "27.0 (3.0 for real songs, 51.0 for the untrained model)" in text
    assert "strangers' stems" in text
    assert "Against blurry" in text
    assert LIMITS in text
    assert "few" in text


def test_it_says_when_the_model_is_the_worse(tmp_path):
    text = told(make_report_folder(tmp_path, num_clips=8, level=0.2, sound=False))
    assert "better in 0" in text


def test_it_claims_nothing_that_was_not_measured(tmp_path):
    folder = make_report_folder(tmp_path, num_clips=6, sound=False)
    rows = edit_report(folder)["rows"]
    kept = [row for row in rows if row["score"] == "silence"]
    edit_report(folder, rows=kept, comparisons=[])
    text = told(folder)
    assert "distance" not in text
    assert "strangers' stems" not in text
    assert "Against" not in text


def test_without_bounds_a_distance_stands_alone(tmp_path):
    folder = make_report_folder(tmp_path, num_clips=6, sound=False)
    rows = [row for row in edit_report(folder)["rows"] if row["system"] == "model"]
    edit_report(folder, rows=rows)
    assert "27.0." in told(folder)

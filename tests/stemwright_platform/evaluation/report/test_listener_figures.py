import json
from dataclasses import asdict, replace

import pytest

from stemwright.errors import InputError
from stemwright_platform.evaluation.report.listener_figures import listener_figures
from stemwright_platform.evaluation.score_row import ScoreRow

ROW = ScoreRow(
    score="preference", system="rival", task="", part="mix",
    value=0.27, low=0.2, high=0.35, n=120, note="over model; 8 raters",
)  # fmt: skip


def written(tmp_path, *rows: ScoreRow):
    (tmp_path / "report.json").write_text(json.dumps({"rows": [asdict(row) for row in rows]}))
    return tmp_path


def test_votes_become_percentages_that_tell_against_whom(tmp_path):
    figure = listener_figures(written(tmp_path, ROW))["rival"]
    assert figure.text.replace("\N{NO-BREAK SPACE}", " ") == "27 %"
    assert "20 to 35" in figure.interval
    assert "over model" in figure.about


def test_the_first_question_about_mixes_counts(tmp_path):
    rows = [replace(ROW, part="bass", value=0.9), ROW, replace(ROW, value=0.5, note="another question")]
    folder = written(tmp_path, *rows)
    assert listener_figures(folder / "report.json")["rival"].text.startswith("27")


def test_what_is_no_report_or_has_no_votes_is_refused(tmp_path):
    with pytest.raises(InputError, match="no votes on mixes"):
        listener_figures(written(tmp_path, replace(ROW, part="bass")))
    (tmp_path / "report.json").write_text("[]")
    with pytest.raises(InputError, match="no report of a listening test"):
        listener_figures(tmp_path)
    with pytest.raises(InputError, match="no report of a listening test"):
        listener_figures(tmp_path / "nothing.json")

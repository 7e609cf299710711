import json
import math
from pathlib import Path

import pyarrow.parquet as pq

from stemwright_platform.evaluation.report.evaluation_folder import read_evaluation
from stemwright_platform.evaluation.report.report_file import write_report
from stemwright_platform.evaluation.score_row import ScoreInfo, ScoreRow

ROW = ScoreRow(
    score="onset_lock", system="model", task="joint", part="bass|drums", value=0.5, low=math.nan, high=1, n=1
)
INFO = ScoreInfo(score="onset_lock", label="onset lock", about="Onsets.", better="higher")


def write(folder: Path) -> None:
    write_report(
        folder,
        title="small",
        created="2026-01-01T00:00:00+00:00",
        model={"loss": math.inf},
        data={"songs": {"test": 3}},
        settings={"clips": 1, "tasks": ("joint",)},
        infos=[INFO],
        rows=[ROW],
        clips=[{"clip": "a", "song": "s", "start_s": 0.0, "duration_s": 8.0, "prompt": "blues"}],
        examples=[],
        comparisons=[],
    )


def test_a_report_is_read_back_by_the_page(tmp_path: Path) -> None:
    write(tmp_path)
    report = read_evaluation(tmp_path)
    assert report.rows[0].value == ROW.value
    assert math.isnan(report.rows[0].low)
    assert list(report.infos.values()) == [INFO]
    assert report.clips["a"].prompt == "blues"


def test_what_is_no_number_is_null_and_the_file_is_json(tmp_path: Path) -> None:
    write(tmp_path)
    report = json.loads((tmp_path / "report.json").read_text(), parse_constant=lambda word: 1 / 0)
    assert report["model"] == {"loss": None}
    assert report["rows"][0]["low"] is None


def test_figures_are_a_table_for_programs(tmp_path: Path) -> None:
    write(tmp_path)
    table = pq.read_table(tmp_path / "scores.parquet")
    assert table.column("part").to_pylist() == ["bass|drums"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.json", "scores.parquet"]

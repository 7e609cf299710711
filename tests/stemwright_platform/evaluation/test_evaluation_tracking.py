from pathlib import Path

import pytest

from stemwright.errors import InputError
from stemwright_platform.evaluation.evaluation_tracking import KIND, metric_name, track_evaluation
from stemwright_platform.evaluation.score_row import ScoreRow
from stemwright_platform.training.tracking import open_client


def row(system: str = "model", value: float = 0.5, part: str = "bass|drums") -> ScoreRow:
    return ScoreRow(
        score="onset_lock", system=system, task="joint", part=part, value=value, low=0.4, high=0.6, n=8
    )


@pytest.fixture
def report(tmp_path: Path) -> Path:
    out = tmp_path / "report"
    (out / "pictures").mkdir(parents=True)
    (out / "clips").mkdir()
    for name in ("index.html", "report.json", "pictures/a.png", "clips/a.flac", ".report.json.7"):
        (out / name).write_text(name)
    return out


def test_a_run_has_the_models_figures_and_the_page_but_not_the_sound(report: Path, tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    rows = [row(), row("real", 0.9), row(part="bass|melody", value=float("nan"))]
    run_id = track_evaluation(report, rows, {"split": "test", "clips": 8}, {"stemwright.model": "abc"}, uri)
    client = open_client(uri)
    run = client.get_run(run_id)
    assert run.data.metrics == {"onset_lock/joint/bass-drums": 0.5}
    assert run.data.params == {"split": "test", "clips": "8"}
    assert run.data.tags["stemwright.model"] == "abc"
    assert run.info.status == "FINISHED"
    kept = {file.path for file in client.list_artifacts(run_id)}
    assert kept == {"index.html", "report.json", "pictures"}
    assert run.data.tags["stemwright.kind"] == KIND


def test_a_store_that_does_not_answer_is_one_line_that_says_where_the_report_is(
    report: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(InputError, match=r"the report is in .*report") as caught:
        track_evaluation(report, [row()], {}, {}, "http://127.0.0.1:9")
    assert "\n" not in str(caught.value)


def test_names_of_metrics_are_what_mlflow_takes() -> None:
    assert metric_name(row(part="é|b")) == "onset_lock/joint/é-b"

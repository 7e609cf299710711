"""A sweep of the guidance scale in MLflow."""

from pathlib import Path

import pytest
from found_guidance import BASS, SCALES, found_guidance  # pyright: ignore[reportMissingImports]

from stemwright_platform.sweeps.guidance_findings import write_findings
from stemwright_platform.sweeps.guidance_tracking import metrics, track
from stemwright_platform.training.tracking import open_client


def test_metrics_are_the_curve_at_steps_of_the_scale() -> None:
    found = found_guidance()
    told = {(metric.key, metric.step): metric.value for metric in metrics(found, 1)}
    for scale, value in zip(SCALES, found.overall.values, strict=True):
        assert told["coherence.all", round(100 * scale)] == pytest.approx(value)
    assert told["guidance_scale", 0] == 2
    assert (f"level_db.{BASS}", 700) not in told  # nobody measured it


def test_a_sweep_that_goes_on_has_one_run_with_pictures_and_the_choice(
    tmp_path: Path, sweeps_tracking_uri: str
) -> None:
    found = found_guidance()
    write_findings(found, tmp_path)
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "guidance.png").write_bytes(b"a picture")
    ids = [
        track(found, tmp_path, sweeps_tracking_uri, name="sweep", params={"scales": SCALES, "seed": 0})
        for _ in range(2)
    ]
    assert ids[0] == ids[1]
    client = open_client(sweeps_tracking_uri)
    run = client.get_run(ids[0])
    assert run.info.status == "FINISHED"
    assert run.data.metrics["guidance_scale"] == 2
    assert run.data.params["seed"] == "0"
    names = {file.path for file in client.list_artifacts(ids[0])}
    assert {"sweep.json", "curve.csv", "pictures"} <= names

"""A sweep of the guidance scale in MLflow: its curve as metrics, its pictures and page as artifacts."""

import json
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stemwright_platform.sweeps.guidance_findings import CURVE, OVERALL, SWEEP, Findings
from stemwright_platform.sweeps.guidance_page import PICTURE
from stemwright_platform.training.tracking import experiment_id, is_active, log_params, open_client

if TYPE_CHECKING:
    from mlflow.entities import Metric
    from mlflow.tracking import MlflowClient

RUN = "mlflow_run.json"
"""In the sweep's folder: the run's id, so that a sweep that goes on has one run."""
STEPS_PER_UNIT = 100
"""MLflow's steps are whole numbers: a metric's step is 100 λ."""


def track(findings: Findings, out: Path, uri: str, *, name: str, params: Mapping[str, Any]) -> str:
    """Log a finished sweep and return the run's id. InputError for a store that MLflow no longer writes.

    Raises MLflow's own errors where the server does not answer.
    """
    client = open_client(uri)
    run_id = _run(client, out, uri, name)
    log_params(client, run_id, params)
    client.log_batch(run_id, metrics=metrics(findings, round(time.time() * 1000)))
    for file in (SWEEP, CURVE):
        client.log_artifact(run_id, str(out / file))
    client.log_artifact(run_id, str(out / PICTURE), str(Path(PICTURE).parent))
    client.set_terminated(run_id)
    return run_id


def metrics(findings: Findings, timestamp_ms: int) -> "list[Metric]":
    """The curve of each split and of their mean, spread, level, distance, at steps of 100 λ; the choice."""
    from mlflow.entities import Metric

    curves: dict[str, Any] = {f"{findings.by}.{task}": line.values for task, line in findings.lines().items()}
    for task, line in findings.lines().items():
        low, high = line.interval()
        curves |= {f"{findings.by}.{task}.low": low, f"{findings.by}.{task}.high": high}
    curves |= {f"seed_spread.{task}": values for task, values in findings.spreads.items()}
    curves |= {f"level_db.{task}": values for task, values in findings.levels_db.items()}
    if findings.frechet is not None:
        curves[f"frechet.{OVERALL}"] = findings.frechet.values
    found = [
        Metric(name, float(value), timestamp_ms, round(STEPS_PER_UNIT * scale))
        for name, values in curves.items()
        for scale, value in zip(findings.scales, values, strict=True)
        if math.isfinite(value)
    ]
    if findings.choice is not None:
        found.append(Metric("guidance_scale", findings.choice.scale, timestamp_ms, 0))
        found.append(Metric("guidance_scale.best_mean", findings.choice.best, timestamp_ms, 0))
    return found


def _run(client: "MlflowClient", out: Path, uri: str, name: str) -> str:
    """The sweep's run of before, opened again, or a new one."""
    path = out / RUN
    if path.is_file():
        known = json.loads(path.read_text(encoding="utf-8"))
        if known["uri"] == uri and is_active(client, known["run_id"]):
            client.update_run(known["run_id"], status="RUNNING")
            return known["run_id"]
    run = client.create_run(experiment_id(client, uri), run_name=name, tags={"stemwright.sweep": "guidance"})
    path.write_text(json.dumps({"uri": uri, "run_id": run.info.run_id}) + "\n", encoding="utf-8")
    return run.info.run_id

"""An evaluation in MLflow: a run with its figures, its settings and its page."""

import math
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stemwright.errors import InputError
from stemwright_platform.evaluation.score_row import ScoreRow
from stemwright_platform.evaluation.systems import MODEL
from stemwright_platform.training.tracking import MAX_METRICS, experiment_id, log_params, open_client

KIND = "evaluation"
"""What its tag says of the run."""
KEPT = ("*.html", "*.json", "*.parquet", "pictures/*")
"""What MLflow gets of a report; the sound stays where it is."""


def track_evaluation(
    out: Path, rows: Sequence[ScoreRow], params: dict[str, Any], tags: dict[str, str], uri: str
) -> str:
    """Make a run of a finished evaluation; returns its id.

    Metrics are the model's figures, as "onset_lock/joint/bass-drums". InputError where MLflow is not there.
    """
    from mlflow.exceptions import MlflowException

    try:
        return _tracked(out, rows, params, tags, uri)
    except MlflowException as error:
        line = str(error).splitlines()[0]
        raise InputError(f"the report is in {out}, but MLflow at {uri} does not take it: {line}") from None


def _tracked(
    out: Path, rows: Sequence[ScoreRow], params: dict[str, Any], tags: dict[str, str], uri: str
) -> str:
    from mlflow.entities import Metric

    client = open_client(uri)
    run = client.create_run(
        experiment_id(client, uri), run_name=out.name, tags={"stemwright.kind": KIND, **tags}
    )
    now = round(time.time() * 1000)
    metrics = [
        Metric(metric_name(row), row.value, now, 0)
        for row in rows
        if row.system == MODEL and math.isfinite(row.value)
    ]
    log_params(client, run.info.run_id, params)
    for start in range(0, len(metrics), MAX_METRICS):
        client.log_batch(run.info.run_id, metrics=metrics[start : start + MAX_METRICS])
    for pattern in KEPT:
        for path in sorted(out.glob(pattern)):
            below = path.parent.relative_to(out).as_posix()
            client.log_artifact(run.info.run_id, str(path), None if below == "." else below)
    client.set_terminated(run.info.run_id)
    return run.info.run_id


def metric_name(row: ScoreRow) -> str:
    """The row's name in characters that MLflow takes."""
    words = (row.score, row.task, row.part.replace("|", "-"))
    return "/".join(re.sub(r"[^\w.\- ]", "_", word) for word in words if word)

"""A training run in MLflow, written by a thread of its own: a slow or absent server holds up no step."""

import os
import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse

from stemwright.errors import InputError
from stemwright.training_log import Record

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

EXPERIMENT = "stemwright"
TRAINING, VALIDATION = "", "validation."
"""What the names of a step's metrics and of a validation's begin with."""
PREFIXES = (TRAINING, VALIDATION)
MAX_METRICS = 1000
"""That one call of MLflow takes."""
MAX_PARAM_CHARACTERS = 6000
CLOSING_S = 60.0
"""How long the end of a run waits for a slow server."""


def default_uri() -> str:
    """MLFLOW_TRACKING_URI where it is set, else mlflow.db in the working folder."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{Path('mlflow.db').resolve()}"


def checked_uri(uri: str) -> str:
    """The same URI; InputError for a store that MLflow no longer writes."""
    if urlparse(uri).scheme in ("", "file"):
        raise InputError(
            f"tracking URI '{uri}': MLflow needs sqlite:///PATH or a server, as http://HOST:5000"
        )
    return uri


def open_client(uri: str) -> "MlflowClient":
    """An MLflow client that gives up on a dead server within a minute and sends no usage data."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")  # making the tables is no news
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    from mlflow.tracking import MlflowClient

    return MlflowClient(tracking_uri=checked_uri(uri), registry_uri=uri)


class Tracking:
    """One MLflow run, the same through all resumptions of a training run."""

    def __init__(self, uri: str, *, name: str, run_id: str | None = None) -> None:
        """`run_id`: of an earlier start of the same training run. Nothing is sent yet."""
        self.uri, self.name, self.run_id = checked_uri(uri), name, run_id
        self.failure: str | None = None
        """Why nothing more is written down."""
        self._logged: dict[str, int] = dict.fromkeys(PREFIXES, 0)
        self._work: queue.Queue[Callable[[MlflowClient], None] | None] = queue.Queue()
        self._thread = threading.Thread(target=self._run, name="tracking", daemon=True)

    def start(self, params: Mapping[str, Any], on_run_id: Callable[[str], None]) -> None:
        """Open or reopen the run; `on_run_id` is told the id of a new one."""
        self._work.put(lambda client: self._open(client, params, on_run_id))
        self._thread.start()

    def log(self, records: Iterable[Record], prefix: str = TRAINING) -> None:
        """Queue records; steps that are there from an earlier start are left out."""
        kept = list(records)
        if kept:
            self._work.put(lambda client: self._log(client, kept, prefix))

    def log_folder(self, folder: Path, name: str) -> None:
        """Queue a folder of artifacts."""
        self._work.put(lambda client: client.log_artifacts(self._id, str(folder), name))

    def close(self, status: str, finish: Callable[["MlflowClient"], None] = lambda client: None) -> None:
        """Write what is queued, `finish`, then end the run as FINISHED, FAILED or KILLED."""
        self._work.put(finish)
        self._work.put(lambda client: client.set_terminated(self._id, status))
        self._work.put(None)
        self._thread.join(CLOSING_S)
        if self._thread.is_alive():
            self.failure = f"MLflow did not answer within {CLOSING_S:.0f} s"

    @property
    def _id(self) -> str:
        assert self.run_id is not None
        return self.run_id

    def _run(self) -> None:
        try:
            client = open_client(self.uri)
            while (work := self._work.get()) is not None:
                work(client)
        except Exception as error:  # training is worth more than its diary
            self.failure = str(error).splitlines()[0]

    def _open(self, client: "MlflowClient", params: Mapping[str, Any], told: Callable[[str], None]) -> None:
        if self.run_id is not None:
            client.update_run(self.run_id, status="RUNNING")
            for prefix in PREFIXES:
                history = client.get_metric_history(self.run_id, f"{prefix}loss")
                self._logged[prefix] = max((metric.step for metric in history), default=0)
            return
        run = client.create_run(self._experiment(client), run_name=self.name)
        self.run_id = run.info.run_id
        told(self.run_id)
        from mlflow.entities import Param

        entries = [Param(key, str(value)[:MAX_PARAM_CHARACTERS]) for key, value in flat(params).items()]
        client.log_batch(self.run_id, params=entries)

    def _experiment(self, client: "MlflowClient") -> str:
        if found := client.get_experiment_by_name(EXPERIMENT):
            return found.experiment_id
        return client.create_experiment(EXPERIMENT, artifact_location=artifact_location(self.uri))

    def _log(self, client: "MlflowClient", records: list[Record], prefix: str) -> None:
        from mlflow.entities import Metric

        now_ms = int(time.time() * 1000)
        metrics = [
            Metric(f"{prefix}{key}", float(value), now_ms, record["step"])
            for record in records
            if record["step"] > self._logged[prefix]
            for key, value in flat(record).items()
            if key != "step"
        ]
        for start in range(0, len(metrics), MAX_METRICS):
            client.log_batch(self._id, metrics=metrics[start : start + MAX_METRICS])


def artifact_location(uri: str) -> str | None:
    """Beside an SQLite file; a server has a place of its own."""
    if not uri.startswith("sqlite:///"):
        return None
    return (Path(uri.removeprefix("sqlite:///")).resolve().parent / "mlruns").as_uri()


def flat(nested: Mapping[str, Any], start: str = "") -> dict[str, Any]:
    """Nested mappings as one, its names joined by dots."""
    entries: dict[str, Any] = {}
    for name, value in nested.items():
        if isinstance(value, Mapping):
            entries |= flat(value, f"{start}{name}.")
        else:
            entries[f"{start}{name}"] = value
    return entries

"""A training run in MLflow, written by a thread of its own: a slow or absent server holds up no step.

What is sent is read from the run's own logs, so that an outage of any length costs no memory and loses
nothing, and a run that is killed sends the rest when it goes on.
"""

import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlparse

from stemwright.errors import InputError
from stemwright_platform.training.followed_log import FollowedLog, flat
from stemwright_platform.training.outage import Outage, passes, reason, to_terminal, without_password

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

Answer = TypeVar("Answer")

EXPERIMENT = "stemwright"
KEY_TAG = "stemwright.run"
"""Tag of a run in MLflow: the id in run.json."""
TRAINING, VALIDATION = "", "validation."
"""What the names of a step's metrics and of a validation's begin with."""
MARKS = ("loss", "train_s")
"""Of these, every record has one at least."""
MAX_METRICS, MAX_PARAMS = 1000, 100
"""That one call of MLflow takes."""
MAX_PARAM_CHARACTERS = 6000
MAX_TRIES, TRY_AGAIN_S = 20, 15.0
"""How often a folder of artifacts is tried that the server does not take."""
INTERVAL_S = 0.5
CLOSING_S = 60.0
"""How long the end of a run waits for a slow or absent server."""
INTERRUPTED_CLOSING_S = 10.0
"""And a run that is interrupted: it sends the rest when it goes on."""


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
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "CRITICAL")  # what goes wrong is raised, and said by us
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    from mlflow.tracking import MlflowClient

    return MlflowClient(tracking_uri=checked_uri(uri), registry_uri=uri)


class Tracking:
    """One MLflow run, the same through all resumptions of a training run."""

    def __init__(
        self,
        uri: str,
        *,
        name: str,
        run_id: str | None = None,
        key: str | None = None,
        tags: Mapping[str, str] | None = None,
        say: Callable[[str], None] = to_terminal,
    ) -> None:
        """`run_id`: of an earlier start of the same training run. Nothing is sent yet.

        `key`: names the training run, so that its MLflow run is found where `run_id` was never written down.
        `tags`: more tags of a new run.
        `say`: told of outages and refusals, a line each.
        """
        self.uri, self.name, self.run_id, self.key = checked_uri(uri), name, run_id, key
        self._tags = dict(tags or {})
        self.failure: str | None = None
        """Why MLflow does not have all of it."""
        self._say, self._outage = say, Outage(uri, say)
        self._logs: list[FollowedLog] = []
        self._folders: dict[tuple[Path, str], int] = {}
        self._folders_due = 0.0
        self._closing, self._deadline = threading.Event(), float("inf")
        self._end: Callable[[MlflowClient], None] = lambda client: None
        self._thread = threading.Thread(target=self._run, name="tracking", daemon=True)

    def follow(self, path: Path, prefix: str = TRAINING) -> None:
        """Send what a log holds and gains, each step once over all starts. To be called before `start`."""
        self._logs.append(FollowedLog(path, prefix))

    def start(self, params: Mapping[str, Any], on_run_id: Callable[[str], None]) -> None:
        """Open or reopen the run once the server answers; `on_run_id` is told the id of a new one."""
        self._params, self._on_run_id = params, on_run_id
        self._thread.start()

    def log_folder(self, folder: Path, name: str) -> None:
        """Send a folder of artifacts, as it is when its turn comes; it must stay there."""
        self._folders[folder, name] = 0

    def close(self, status: str, finish: Callable[["MlflowClient"], None] = lambda client: None) -> None:
        """Send the rest, `finish`, then end the run as FINISHED, FAILED or KILLED.

        `failure` says where the server did not answer in time; `finish` may be called again after an outage.
        """

        def end(client: "MlflowClient") -> None:
            self._patiently(lambda: finish(client))
            self._patiently(lambda: client.set_terminated(self._id, status))

        allowed_s = CLOSING_S if status == "FINISHED" else INTERRUPTED_CLOSING_S
        self._end, self._deadline = end, time.monotonic() + allowed_s
        self._closing.set()
        if self._outage.reason:
            self._say(f"waiting up to {allowed_s:.0f} s for MLflow")
        self._thread.join(allowed_s)
        if self._thread.is_alive():
            self._time_is_up()

    @property
    def _id(self) -> str:
        assert self.run_id is not None
        return self.run_id

    def _run(self) -> None:
        try:
            client = self._patiently(lambda: open_client(self.uri))
            self._open(client)
            while not self._closing.wait(INTERVAL_S):
                self._catch_up(client)
            self._catch_up(client)
            while self._folders and time.monotonic() < self._deadline:
                self._send_folders(client)
                self._pause(INTERVAL_S)
            self._end(client)
        except TimeoutError:
            self._time_is_up()
        except Exception as error:  # training is worth more than its diary
            self._refused(error, "this run")

    def _patiently(self, work: Callable[[], Answer]) -> Answer:
        """Do it, as often as it takes. TimeoutError once the time for closing is up."""
        while time.monotonic() < self._deadline:
            try:
                answer = work()
            except Exception as error:
                if not passes(error):
                    raise
                self._pause(self._outage.went_on(error))
            else:
                self._outage.ended()
                return answer
        raise TimeoutError

    def _pause(self, seconds: float) -> None:
        if self._closing.wait(seconds):
            time.sleep(min(seconds, 1.0, max(self._deadline - time.monotonic(), 0.0)))

    def _open(self, client: "MlflowClient") -> None:
        run_id = self._patiently(lambda: self._found(client) or self._made(client))
        if run_id != self.run_id:
            self.run_id = run_id
            self._on_run_id(run_id)  # before anything is logged
            self._patiently(lambda: log_params(client, run_id, self._params))
        self._patiently(lambda: client.update_run(run_id, status="RUNNING"))
        for log in self._logs:
            log.sent = self._patiently(lambda log=log: last_step(client, run_id, log.prefix))

    def _found(self, client: "MlflowClient") -> str | None:
        """The run of an earlier start; None where there is none or MLflow no longer has it."""
        if self.run_id is not None:
            if is_active(client, self.run_id):
                return self.run_id
            self._say(f"MLflow no longer has run {self.run_id}: another one gets all of it")
            self.run_id = None
        experiment = client.get_experiment_by_name(EXPERIMENT)
        if self.key is None or experiment is None:
            return None
        # a process may have died, or an answer got lost, when the run had just been made
        query = f"tags.`{KEY_TAG}` = '{self.key}'"
        runs = client.search_runs([experiment.experiment_id], query, max_results=1)
        return runs[0].info.run_id if runs else None

    def _made(self, client: "MlflowClient") -> str:
        tags = self._tags | ({} if self.key is None else {KEY_TAG: self.key})
        run = client.create_run(experiment_id(client, self.uri), run_name=self.name, tags=tags)
        return run.info.run_id

    def _catch_up(self, client: "MlflowClient") -> None:
        for log in self._logs:
            while metrics := log.next_metrics(MAX_METRICS):
                self._patiently(lambda metrics=metrics: client.log_batch(self._id, metrics=metrics))
        self._send_folders(client)

    def _send_folders(self, client: "MlflowClient") -> None:
        """Try each folder once: one that is not taken holds up no figures."""
        if time.monotonic() < self._folders_due and not self._closing.is_set():
            return
        for folder, name in list(self._folders):
            tries = self._folders.pop((folder, name)) + 1
            try:
                client.log_artifacts(self._id, str(folder), name)
            except Exception as error:
                self._patiently(lambda: client.get_run(self._id))  # only tries count that the server saw
                if tries == MAX_TRIES or not folder.is_dir():
                    self._refused(error, name)
                else:
                    self._folders.setdefault((folder, name), tries)
                    self._folders_due = time.monotonic() + TRY_AGAIN_S

    def _refused(self, error: Exception, what: str) -> None:
        self.failure = f"{without_password(self.uri)} does not take {what} ({reason(error)})"
        self._say(f"MLflow at {self.failure}: training goes on without")

    def _time_is_up(self) -> None:
        why = f" ({self._outage.reason})" if self._outage.reason else ""
        self.failure = (
            f"{without_password(self.uri)} did not answer in time{why}; the same command, run again, "
            "sends the rest"
        )


def is_active(client: "MlflowClient", run_id: str) -> bool:
    """Whether a store has a run, and not in its bin."""
    from mlflow.exceptions import MlflowException

    try:
        return client.get_run(run_id).info.lifecycle_stage == "active"
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return False
        raise


def last_step(client: "MlflowClient", run_id: str, prefix: str) -> int:
    """The last step that a run has figures of, 0 where there is none."""
    histories = (client.get_metric_history(run_id, f"{prefix}{mark}") for mark in MARKS)
    return max((metric.step for history in histories for metric in history), default=0)


def log_params(client: "MlflowClient", run_id: str, params: Mapping[str, Any]) -> None:
    """Write down what a run was asked for."""
    from mlflow.entities import Param

    entries = [Param(name, str(value)[:MAX_PARAM_CHARACTERS]) for name, value in flat(params).items()]
    for start in range(0, len(entries), MAX_PARAMS):
        client.log_batch(run_id, params=entries[start : start + MAX_PARAMS])


def experiment_id(client: "MlflowClient", uri: str) -> str:
    """The experiment of all our runs, made where it is not there."""
    from mlflow.exceptions import MlflowException

    if found := client.get_experiment_by_name(EXPERIMENT):
        return found.experiment_id
    try:
        return client.create_experiment(EXPERIMENT, artifact_location=artifact_location(uri))
    except MlflowException:
        if found := client.get_experiment_by_name(EXPERIMENT):  # another run was faster
            return found.experiment_id
        raise


def artifact_location(uri: str) -> str | None:
    """Beside an SQLite file; a server has a place of its own."""
    if not uri.startswith("sqlite:///"):
        return None
    return (Path(uri.removeprefix("sqlite:///")).resolve().parent / "mlruns").as_uri()

"""A sweep in MLflow: a parent run, and below it a run for each trial with its settings and curves.

Everything is read from the trials' folders, so that neither an outage nor a kill loses any of it.
"""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stemwright_platform.sweeps.setting import short
from stemwright_platform.sweeps.trial import Trial
from stemwright_platform.sweeps.trial_result import TrialResult
from stemwright_platform.training.tracking import VALIDATION, Tracking

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

PARENT_TAG = "mlflow.parentRunId"
NOTED = ".tracked"
"""File in the folder of a trial that MLflow has to its end."""
FINAL = "final."
"""What the names of a trial's final scores begin with."""
STATUS = {"finished": "FINISHED", "stopped": "FINISHED", "diverged": "FAILED", "failed": "FAILED"}


class Diary:
    """One sweep's record; trials may end in any order."""

    def __init__(self, uri: str, *, name: str, key: str, params: Mapping[str, Any]) -> None:
        """`key`: names the sweep for good: started again, it goes on in the same runs."""
        self._uri, self._key = uri, key
        self._parent = Tracking(uri, name=name, key=key, tags={"stemwright.sweep": name})
        self._parent.start(params, on_run_id=lambda run: None)
        self._children: dict[str, Tracking] = {}
        self._waiting: dict[str, Trial] = {}
        self._ended: dict[str, TrialResult] = {}
        self._closing: list[threading.Thread] = []

    @property
    def failure(self) -> str | None:
        """Why MLflow does not have all of it; None where it has."""
        missing = "some trials' runs wait for the sweep's own" if self._waiting else None
        failures = (each.failure for each in (self._parent, *self._children.values()))
        return next((failure for failure in failures if failure), missing)

    def begin(self, trial: Trial) -> None:
        """A trial runs, or has run before and MLflow may not know it to its end."""
        if trial.name not in self._children and not (trial.folder / NOTED).exists():
            self._waiting[trial.name] = trial
        self._open_waiting()

    def end(self, trial: Trial, result: TrialResult) -> None:
        """A trial has ended."""
        self._ended[trial.name] = result
        self._open_waiting()
        if child := self._children.get(trial.name):
            self._close(trial.folder, child, result)

    def close(
        self, status: str, *, figures: Mapping[str, float] | None = None, folder: Path | None = None
    ) -> None:
        """End all runs. `figures`: of the whole sweep. `folder`: artifacts of the whole sweep."""
        self._open_waiting()
        for thread in self._closing:
            thread.join()
        for name, child in self._children.items():
            if name not in self._ended:
                child.close("KILLED")
        if folder:
            self._parent.log_folder(folder, "sweep")
        self._parent.close(status, lambda client: _log(client, self._parent, figures or {}))
        self._open_waiting()  # where the server came back only now

    def _open_waiting(self) -> None:
        """Children need their parent's id: until the server has given it they wait."""
        if self._parent.run_id is None:
            return
        for name, trial in list(self._waiting.items()):
            del self._waiting[name]
            child = self._child(trial)
            self._children[name] = child
            if result := self._ended.get(name):
                self._close(trial.folder, child, result)

    def _child(self, trial: Trial) -> Tracking:
        tags = {PARENT_TAG: self._parent.run_id or "", "stemwright.trial": trial.name}
        child = Tracking(self._uri, name=trial.name, key=f"{self._key}/{trial.name}", tags=tags)
        child.follow(trial.folder / "metrics.jsonl")
        child.follow(trial.folder / "validation.jsonl", VALIDATION)
        swept = {short(name): value for name, value in trial.setting.items()}
        child.start({"seed": trial.plan.seed, **swept}, on_run_id=lambda run: None)
        return child

    def _close(self, folder: Path, child: Tracking, result: TrialResult) -> None:
        """In a thread: a slow server holds up no trial."""

        def close() -> None:
            figures = {f"{FINAL}{name}": value for name, value in result.scores.items()}
            child.close(STATUS[result.state], lambda client: _log(client, child, figures))
            if child.failure is None:
                (folder / NOTED).touch()

        self._closing.append(threading.Thread(target=close, name="diary", daemon=True))
        self._closing[-1].start()


def _log(client: "MlflowClient", run: Tracking, figures: Mapping[str, float]) -> None:
    for name, value in figures.items():
        client.log_metric(run.run_id or "", name, value)

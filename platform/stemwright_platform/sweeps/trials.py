"""The trials of one sweep: those that have ended are read, the others run, and MLflow is told of all."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from stemwright.run_folder import RunFolder
from stemwright_platform.sweeps.diary import Diary
from stemwright_platform.sweeps.logbook import Logbook
from stemwright_platform.sweeps.resources import Resources
from stemwright_platform.sweeps.setting import Setting, folder_name
from stemwright_platform.sweeps.sweep_folder import SweepFolder
from stemwright_platform.sweeps.sweep_plan import TRIALS, SweepPlan
from stemwright_platform.sweeps.trial import Trial
from stemwright_platform.sweeps.trial_result import FINAL, TrialResult, read_result
from stemwright_platform.sweeps.tuning import run_listed, run_searched

Conclude = Callable[[Sequence[TrialResult]], Mapping[str, float]]
"""Writes a sweep's report into its folder; returns its figures."""


class Trials(AbstractContextManager["Trials"]):
    """Holds the sweep's folder and its diary while they run."""

    def __init__(
        self, plan: SweepPlan, folder: SweepFolder, kind: str, resources: Resources, tracking_uri: str
    ) -> None:
        """`kind`: of sweep, "curriculum" or "ablation": a folder has one. InputError where it has another."""
        self.known = 0
        """Trials that had ended before."""
        self._plan, self._folder, self._resources = plan, folder, resources
        key = folder.begin(kind, plan.facts(), plan.asked())
        params: dict[str, Any] = {"kind": kind, **plan.facts(), **plan.asked()}
        self._held = ExitStack()
        self._held.enter_context(folder.holding())
        self._diary = Diary(tracking_uri, name=folder.path.name, key=key, params=params)
        self._closed = False

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._closed:
            self._diary.close("FAILED" if isinstance(error, Exception) else "KILLED")
        self._held.close()

    @property
    def tracking_failure(self) -> str | None:
        """Why MLflow does not have all of it."""
        return self._diary.failure

    def run(self, listed: Sequence[Trial], conclude: Conclude) -> list[TrialResult]:
        """Run what is left of `listed`, or of an Optuna search; conclude; returns all results."""
        known = self._known(listed)
        self.known = len(known)
        total = len(listed) or self._plan.most_trials
        logbook = Logbook(self._diary, total=total, known=self.known, score=self._plan.score)
        for result in known:
            trial = self._plan.trial(result.setting, result.seed, self._folder.path)
            self._diary.begin(trial)
            self._diary.end(trial, result)
        try:
            self._run_left(listed, known, logbook)
        finally:
            logbook.close()
        results = self._ended(listed)
        figures = conclude(results)
        self._diary.close("FINISHED", figures=figures, folder=self._folder.pictures)
        self._closed = True
        return results

    def _run_left(self, listed: Sequence[Trial], known: Sequence[TrialResult], logbook: Logbook) -> None:
        plan, out = self._plan, self._folder.path
        done = {result.name for result in known}
        if plan.search != "optuna":
            left = [trial for trial in listed if trial.name not in done]
            run_listed(plan, left, out, self._resources, logbook, known)
            return
        begun = [
            setting
            for setting in begun_settings(plan, out)
            if folder_name(setting, plan.seeds[0]) not in done
        ]
        run_searched(plan, plan.most_trials - len(known), begun, out, self._resources, logbook, known)

    def _known(self, listed: Sequence[Trial]) -> list[TrialResult]:
        """What has ended already and would only repeat itself."""
        final = (*FINAL, "stopped") if self._plan.scheduler != "none" else FINAL
        return [result for result in self._ended(listed) if result.state in final]

    def _ended(self, listed: Sequence[Trial]) -> list[TrialResult]:
        """All results of the trials that were asked for; with Optuna, of all that are in the folder."""
        if self._plan.search != "optuna":
            return [result for trial in listed if (result := trial.result)]
        folders = sorted((self._folder.path / TRIALS).glob("*/"))
        results = [result for folder in folders if (result := read_result(folder))]
        return [result for result in results if result.seed == self._plan.seeds[0]]


def begun_settings(plan: SweepPlan, out: Path) -> list[Setting]:
    """Of every trial in the folder, ended or cut off, as its run has them."""
    found: list[Setting] = []
    for folder in sorted((out / TRIALS).glob("*/")):
        asked = (RunFolder(folder).facts() or {}).get("settings", {})
        if asked.get("seed") != plan.seeds[0]:
            continue
        setting = {}
        for axis in plan.axes:
            section, name = axis.field.split(".")
            value = asked["preset"][section][name]
            setting[axis.field] = tuple(value) if isinstance(value, list) else value
        found.append(setting)
    return found

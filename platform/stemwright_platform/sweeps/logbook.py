"""Keeps a sweep's records as it goes: lines on the terminal, runs in MLflow."""

from collections.abc import Callable

from stemwright_platform.sweeps.diary import Diary
from stemwright_platform.sweeps.trial import Trial
from stemwright_platform.sweeps.trial_result import TrialResult
from stemwright_platform.time_left import TimeLeft
from stemwright_platform.training.outage import to_terminal


class Logbook:
    """A `Watcher` of one sweep."""

    def __init__(
        self, diary: Diary, *, total: int, known: int, score: str, say: Callable[[str], None] = to_terminal
    ) -> None:
        """`total`: trials in all; `known`: of them, those that had ended before. `score`: to be said."""
        self._diary, self._score, self._say = diary, score, say
        self._total, self._ended = total, known
        self._percent: dict[str, float] = {}
        self._time = TimeLeft("sweep", max(total - known, 1) * 100.0)

    def started(self, trial: Trial) -> None:
        self._diary.begin(trial)

    def progressed(self, trial: Trial, percent: float) -> None:
        before = self._percent.get(trial.name, 0.0)
        self._percent[trial.name] = max(percent, before)
        self._time.advance(max(percent - before, 0.0), f"{self._ended} of {self._total} trials")

    def ended(self, trial: Trial, result: TrialResult) -> None:
        self._ended += 1
        self.progressed(trial, 100.0)
        name = trial.name.replace(",", ", ")
        if self._score in result.scores:
            said = f"{self._score} {result.scores[self._score]:.4f}"
        else:
            said = result.reason or "no score"
        self._say(f"{name}: {result.state}, {said} ({self._ended} of {self._total})")
        self._diary.end(trial, result)

    def close(self) -> None:
        """End the terminal's line."""
        self._time.close()

"""What Ray Tune says of its trials, passed on to whoever keeps the sweep's records."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from stemwright.run_folder import RunFolder
from stemwright_platform.sweeps.trial import Trial
from stemwright_platform.sweeps.trial_result import TrialResult, curve_of, ended

if TYPE_CHECKING:
    from ray.tune import Callback


class Watcher(Protocol):
    """Told of a sweep as it goes."""

    def started(self, trial: Trial) -> None:
        """A trial's process is about to run."""
        ...

    def progressed(self, trial: Trial, percent: float) -> None:
        """A trial has been validated."""
        ...

    def ended(self, trial: Trial, result: TrialResult) -> None:
        """A trial has ended, its result is in its folder."""
        ...


def trial_watch(find: Callable[[dict[str, Any]], Trial], watcher: Watcher) -> "Callback":
    """A callback for Tune. `find`: the trial of Tune's configuration."""
    from ray.tune import Callback

    class Watch(Callback):
        def __reduce__(self) -> Any:
            """Tune writes callbacks down for a restart that we never ask for: nothing of ours is in it."""
            return Callback, ()

        def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
            watcher.started(find(trial.config))

        def on_trial_result(
            self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
        ) -> None:
            watcher.progressed(find(trial.config), float(result.get("progress", 0.0)))

        def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
            ours = find(trial.config)
            watcher.ended(ours, ours.result or _stopped(ours, trial.last_result or {}))

        def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
            ours = find(trial.config)
            watcher.ended(ours, _failed(ours, trial.get_error()))

    return Watch()


def _stopped(trial: Trial, last: dict[str, Any]) -> TrialResult:
    """The scheduler ended it: its scores are the last that it was judged by."""
    step, percent = int(last.get("step", 0)), float(last.get("progress", 0.0))
    total = round(100 * step / percent) if percent else 1
    curve = curve_of(trial.folder / "validation.jsonl", total_steps=total, up_to=step)
    result = ended(trial.setting, trial.plan.seed, "stopped", curve, steps=step)
    result.save(trial.folder)
    return result


def _failed(trial: Trial, error: BaseException | None) -> TrialResult:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    reason = lines[-1] if lines else "its process ended"
    result = ended(trial.setting, trial.plan.seed, "failed", [], reason=reason)
    RunFolder(trial.folder).begin(trial.plan)  # else nothing could be trained there later
    result.save(trial.folder)
    return result

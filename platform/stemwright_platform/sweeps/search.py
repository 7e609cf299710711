"""Which trials come next and which end early: Tune's searcher and scheduler, told of what is known already.

Ray Tune can restore both from pickles that it writes as it goes. We rebuild them from the trials' own
results: readable, and a pickle is nobody's to trust.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from stemwright_platform.sweeps.axis import Axis
from stemwright_platform.sweeps.setting import Setting
from stemwright_platform.sweeps.sweep_plan import P2, P2_START, SweepPlan
from stemwright_platform.sweeps.trial_result import TrialResult

if TYPE_CHECKING:
    from ray.tune.schedulers import AsyncHyperBandScheduler
    from ray.tune.search.optuna import OptunaSearch

METRIC, PROGRESS = "score", "progress"
WORST = 1e6
"""Of a trial that has no score: large, and finite as searchers need it."""
REDUCTION = 3
"""ASHA keeps one trial in so many at each rung."""
FIRST_RUNG = 30.0
"""Percent of a trial before ASHA may stop it."""
AFTER_P2 = 15.0
"""Percent after p2's start: before it trials with p2 and without are the same."""


def make_searcher(
    plan: SweepPlan, results: Sequence[TrialResult], begun: Iterable[Setting]
) -> "OptunaSearch":
    """Optuna's TPE over the axes; told of `results`, it begins with the settings that were `begun`."""
    import optuna
    from ray.tune.search.optuna import OptunaSearch

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    waiting = [point_of(plan.axes, setting) for setting in begun]
    searcher = OptunaSearch(
        space={axis.field: _distribution(axis) for axis in plan.axes},
        metric=METRIC,
        mode="min",
        points_to_evaluate=[point for point in waiting if point is not None],
        # another seed than before: the same one would suggest the same first settings again
        seed=plan.search_seed + len(results),
    )
    for result in results:
        point = point_of(plan.axes, result.setting)
        if point is not None:
            searcher.add_evaluated_point(point, result.scores.get(plan.score, WORST))
    return searcher


def _distribution(axis: Axis) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if axis.values:
        return CategoricalDistribution(tuple(range(len(axis.values))))
    if axis.whole:
        return IntDistribution(int(axis.low), int(axis.high), log=axis.log)
    return FloatDistribution(axis.low, axis.high, log=axis.log)


def point_of(axes: Sequence[Axis], setting: Setting) -> dict[str, Any] | None:
    """A setting as Optuna has it: of a list, the value's number. None where it lies outside of the axes."""
    if set(setting) != {axis.field for axis in axes}:
        return None
    point: dict[str, Any] = {}
    for axis in axes:
        value = setting[axis.field]
        if axis.values:
            if value not in axis.values:
                return None
            point[axis.field] = axis.values.index(value)
        elif not isinstance(value, int | float) or not axis.low <= value <= axis.high:
            return None
        else:
            point[axis.field] = value
    return point


def setting_of(axes: Sequence[Axis], point: dict[str, Any]) -> dict[str, Any]:
    """The other way round."""
    return {axis.field: axis.values[point[axis.field]] if axis.values else point[axis.field] for axis in axes}


def make_scheduler(plan: SweepPlan, results: Sequence[TrialResult]) -> "AsyncHyperBandScheduler | None":
    """ASHA over percents of a trial, told of how the known trials went; None: every trial to its end."""
    if plan.scheduler == "none":
        return None
    from ray.tune.schedulers import AsyncHyperBandScheduler

    scheduler = AsyncHyperBandScheduler(
        time_attr=PROGRESS,
        metric=METRIC,
        mode="min",
        max_t=100,
        grace_period=round(first_rung(plan)),
        reduction_factor=REDUCTION,
    )
    for result in results:
        _remember(scheduler, result, plan.score)
    return scheduler


def first_rung(plan: SweepPlan) -> float:
    """Percent of a trial before which it is not judged."""
    sweeps_p2 = any(axis.field in (P2, P2_START) for axis in plan.axes)
    return max(FIRST_RUNG, 100 * plan.p2_starts_at + AFTER_P2) if sweeps_p2 else FIRST_RUNG


class _Remembered:
    """A trial that ended before this process: all that the scheduler asks of it is who it is."""

    def __init__(self, trial_id: str) -> None:
        self.trial_id = trial_id


def _remember(scheduler: "AsyncHyperBandScheduler", result: TrialResult, score: str) -> None:
    trial: Any = _Remembered(result.name)
    controller: Any = None
    scheduler.on_trial_add(controller, trial)
    for row in result.curve:
        if row[PROGRESS] < 100:
            scheduler.on_trial_result(controller, trial, {PROGRESS: row[PROGRESS], METRIC: row[score]})

from collections.abc import Callable

import pytest

from stemwright_platform.sweeps.search import (
    WORST,
    first_rung,
    make_scheduler,
    make_searcher,
    point_of,
    setting_of,
)
from stemwright_platform.sweeps.sweep_plan import SweepPlan
from stemwright_platform.sweeps.trial_result import TrialResult

MakePlan = Callable[..., SweepPlan]
AXES = ("p1=0.2,0.8", "training.learning_rate=1e-4..1e-2:log", "training.curriculum=joint,uniform")


def result(
    setting: dict[str, object], ratio: float, curve: list[dict[str, float]] | None = None
) -> TrialResult:
    return TrialResult(setting=setting, seed=1, state="finished", scores={"ratio": ratio}, curve=curve or [])


@pytest.fixture
def plan(make_plan: MakePlan) -> SweepPlan:
    return make_plan(*AXES, search="optuna", trials=30)


def test_settings_go_to_optuna_and_back(plan: SweepPlan) -> None:
    setting = {"training.p1": 0.8, "training.learning_rate": 2e-3, "training.curriculum": "joint"}
    point = point_of(plan.axes, setting)
    assert point is not None
    assert setting_of(plan.axes, point) == setting
    for outside in ({"training.p1": 0.5}, {"training.learning_rate": 0.5}):
        assert point_of(plan.axes, {**setting, **outside}) is None
    assert point_of(plan.axes, {"training.p1": 0.8}) is None


def test_what_was_begun_comes_first_and_what_is_known_is_learned_from(plan: SweepPlan) -> None:
    """Told that low rates with p1 = 0.8 do well, the searcher asks mostly for such."""
    rates = [1e-4 * 1.2**n for n in range(24)]
    known = [
        result(
            {"training.p1": p1, "training.learning_rate": rate, "training.curriculum": "uniform"},
            ratio=rate * 100 + (p1 < 0.5),
        )
        for rate in rates
        for p1 in (0.2, 0.8)
    ]
    begun = {"training.p1": 0.2, "training.learning_rate": 9e-3, "training.curriculum": "joint"}
    searcher = make_searcher(plan, known, [begun])
    asked = [setting_of(plan.axes, searcher.suggest(str(n)) or {}) for n in range(20)]
    assert asked[0] == begun
    assert sum(setting["training.p1"] == 0.8 for setting in asked[1:]) > 12
    assert sorted(setting["training.learning_rate"] for setting in asked[1:])[10] < 1e-3


def test_a_failed_trial_counts_as_the_worst(plan: SweepPlan) -> None:
    setting = {"training.p1": 0.2, "training.learning_rate": 1e-3, "training.curriculum": "joint"}
    searcher = make_searcher(plan, [TrialResult(setting=setting, seed=1, state="diverged")], [])
    (trial,) = searcher._ot_study.trials  # pyright: ignore[reportOptionalMemberAccess]
    assert trial.value == WORST


def test_a_scheduler_that_is_started_again_remembers_how_trials_went(make_plan: MakePlan) -> None:
    """After three good trials a bad one is stopped at the first rung, as if all ran in one process."""
    from ray.tune.schedulers import TrialScheduler

    plan = make_plan("p1=0.2,0.8", scheduler="asha")
    good = [
        result({"training.p1": p1}, 0.5, [{"progress": at, "ratio": 0.5} for at in (40.0, 90.0)])
        for p1 in (0.2, 0.5, 0.8)
    ]
    row = {"progress": 40.0, "score": 0.9}

    class Bad:
        trial_id = "bad"

    decisions = []
    for known in ([], good):
        scheduler = make_scheduler(plan, known)
        assert scheduler is not None
        scheduler.on_trial_add(None, Bad())  # pyright: ignore[reportArgumentType]
        decisions.append(scheduler.on_trial_result(None, Bad(), row))  # pyright: ignore[reportArgumentType]
    assert decisions == [TrialScheduler.CONTINUE, TrialScheduler.STOP]


def test_no_trial_is_stopped_before_p2_has_counted_for_a_while(make_plan: MakePlan) -> None:
    assert first_rung(make_plan("p2=0,0.5", p2_starts_at=0.6, scheduler="asha")) > 60
    assert first_rung(make_plan("p1=0.2,0.5", p2_starts_at=0.6, scheduler="asha")) < 60


def test_without_a_scheduler_every_trial_runs_to_its_end(make_plan: MakePlan) -> None:
    assert make_scheduler(make_plan("p1=0.2"), []) is None

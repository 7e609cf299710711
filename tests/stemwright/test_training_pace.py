from collections.abc import Callable
from pathlib import Path

import pytest
from toy_learning import HashedText, toy_preset

from stemwright.training_pace import Pace
from stemwright.training_run import TrainingPlan, TrainingRun


class Clock:
    """A clock that is set by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("first_s", [0.5, 3.0])
def test_a_time_budget_is_kept_though_the_first_steps_were_slower_or_faster(
    make_latents: Callable[..., Path], first_s: float
) -> None:
    plan = TrainingPlan(preset=toy_preset(), data=str(make_latents({"song": 400})), minutes=5)
    run, clock = TrainingRun.of(plan, text_encoder=HashedText()), Clock()
    pace = Pace(run, clock)
    while not run.is_done:
        run.learner.step_count += 1
        clock.now += first_s if run.learner.step_count <= 10 else 1.0
        pace.after_step()
    assert run.train_s == pytest.approx(300, rel=0.05)
    assert pace.step_s == 1.0


def test_checkpoints_count_as_time_of_the_run_but_not_of_a_step(make_latents: Callable[..., Path]) -> None:
    plan = TrainingPlan(preset=toy_preset(), data=str(make_latents({"song": 400})), steps=50)
    run, clock = TrainingRun.of(plan, text_encoder=HashedText()), Clock()
    run.train_s = 1000.0
    pace = Pace(run, clock)
    clock.now += 2
    pace.after_step()
    clock.now += 30
    pace.after_checkpoint()
    clock.now += 3
    pace.after_step()
    assert (pace.step_s, run.train_s) == (3, 1035)
    assert run.learner.total_steps == 50

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from stemwright.codec_training.codec_learner import CodecLearner
from stemwright.codec_training.codec_run import CodecPlan
from stemwright.codec_training.crops import Crops
from stemwright.conv_codec_net import HOP

PlanOf = Callable[..., CodecPlan]


def learner_of(plan: CodecPlan) -> CodecLearner:
    return CodecLearner(plan.net, plan.training, seed=plan.seed)


def batch(plan: CodecPlan, step: int) -> Tensor:
    return Crops(plan.files, plan.training.crop_frames * HOP, plan.training.batch_size, 0).batch(step)


def test_a_few_steps_lower_the_loss(plan_of: PlanOf) -> None:
    plan = plan_of(steps=100)
    plan = replace(plan, training=replace(plan.training, learning_rate=0.05))
    learner, same = learner_of(plan), batch(plan, 0)
    losses = [learner.step(same)["mel"] for _ in range(30)]
    assert sum(losses[-5:]) < 0.7 * sum(losses[:5])


def test_the_judge_speaks_from_its_share_of_the_run_on(plan_of: PlanOf) -> None:
    plan = plan_of(steps=4)
    plan = replace(plan, training=replace(plan.training, judged_from=0.5))
    learner = learner_of(plan)
    named = [learner.step(batch(plan, step)).keys() for step in range(4)]
    assert [{"judge", "deceive", "likeness"} <= names for names in named] == [False, False, True, True]


def test_a_state_goes_on_as_if_nothing_had_happened(plan_of: PlanOf) -> None:
    plan = plan_of(steps=6)
    one, two = learner_of(plan), learner_of(plan_of(steps=6, seed=1))
    for step in range(4):
        one.step(batch(plan, step))
    two.seed = one.seed
    two.load_state({name: value.clone() for name, value in one.state().items()})
    assert one.step(batch(plan, 4)) == two.step(batch(plan, 4))
    assert all(torch.equal(value, two.state()[name]) for name, value in one.state().items())


def test_a_step_that_would_destroy_the_weights_is_left_out(plan_of: PlanOf) -> None:
    plan = plan_of(steps=6)
    learner = learner_of(plan)
    before = [parameter.clone() for parameter in learner.model.parameters()]
    figures = learner.step(torch.full((2, 2, 16 * HOP), torch.nan))
    assert figures["skipped"] == 1
    assert all(torch.equal(a, b) for a, b in zip(before, learner.model.parameters(), strict=True))
    assert learner.step(batch(plan, 0))["skipped"] == 0
    assert any(not torch.equal(a, b) for a, b in zip(before, learner.model.parameters(), strict=True))


def test_the_learning_rate_warms_up_falls_and_never_ends(plan_of: PlanOf) -> None:
    learner = learner_of(plan_of(steps=2000))
    rates = []
    for learner.step_count in (0, 100, 200, 1000, 1999, 2000, 5000):
        rates.append(learner.learning_rate)
    assert rates[0] < rates[1] < rates[2]
    assert rates[2] > rates[3] > rates[4]
    assert rates[4] == pytest.approx(0.01 * learner.config.learning_rate)
    assert rates[4] == rates[5]

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from stemwright.batch import Batch
from stemwright.errors import InputError
from stemwright.presets import load_preset
from stemwright.training_draw import TrainingDraw
from stemwright.training_run import TrainingPlan, TrainingRun
from stemwright_platform.training.teacher_actor import Studio, TeacherActor, TeacherOrder

ORDER = TeacherOrder(step=3, total_steps=40, weights_step=2, weights=())


class Painter(TeacherActor):
    """Makes every track of the number of its sample, where a real one would need weights of a run."""

    def __init__(self, plan: TrainingPlan, rank: int = 0, *, diverged: bool = False) -> None:
        super().__init__(plan, rank)
        self._diverged = diverged
        self._loaded().load = lambda order: None  # pyright: ignore[reportAttributeAccessIssue]

    def _made(self, studio: Studio, batch: Batch, drawn: TrainingDraw) -> torch.Tensor:
        made = torch.zeros_like(batch.latents) + batch.sample_ids[:, None, None, None]
        if self._diverged:
            made[0, ..., 0, -1] = torch.inf
        return made


@pytest.fixture
def plan(make_latents: Callable[..., Path]) -> TrainingPlan:
    tiny = load_preset("tiny")
    training = replace(
        tiny.training, windows_s=(0.2,), batch_size=6, p1=1.0, p2=1.0, p2_starts_at_epoch=0, teacher_steps=2
    )
    data = make_latents({"song": 200, "short": 30, "long": 300})
    return TrainingPlan(preset=replace(tiny, training=training), data=str(data), steps=40, workers=2)


@pytest.mark.parametrize("rank", [0, 1])
def test_an_order_is_answered_with_what_the_worker_of_the_rank_will_draw(
    plan: TrainingPlan, rank: int
) -> None:
    delivery = Painter(plan, rank).make(ORDER)
    run = TrainingRun.of(plan, rank=rank)
    batch = run.windows.batch(ORDER.step)
    drawn = run.learner.draws.draw(batch, ORDER.step)
    sample, track = drawn.substituted.nonzero(as_tuple=True)
    assert delivery.sample_ids.tolist() == batch.sample_ids[sample].tolist()
    assert len(delivery.sample_ids) > 0
    assert delivery.tracks.tolist() == track.tolist()
    np.testing.assert_array_equal(delivery.heard, (drawn.target | drawn.given)[sample].numpy())
    assert delivery.latents.dtype == np.float16
    assert delivery.latents.shape[1:] == batch.latents.shape[2:]
    np.testing.assert_array_equal(delivery.latents[:, 0, 0], delivery.sample_ids)


def test_a_step_that_wants_nothing_is_answered_with_nothing_and_needs_no_weights(plan: TrainingPlan) -> None:
    late = replace(plan.preset, training=replace(plan.preset.training, p2_starts_at_epoch=300))
    delivery = TeacherActor(replace(plan, preset=late), 0).make(ORDER)
    assert delivery.latents.shape[0] == len(delivery.sample_ids) == len(delivery.tracks) == 0


def test_a_track_that_diverged_is_kept_back(plan: TrainingPlan) -> None:
    whole, less = Painter(plan).make(ORDER), Painter(plan, diverged=True).make(ORDER)
    first = TrainingRun.of(plan).windows.batch(ORDER.step).sample_ids[0].item()
    assert first in whole.sample_ids
    assert less.sample_ids.tolist() == [number for number in whole.sample_ids.tolist() if number != first]
    assert np.isfinite(less.latents).all()


def test_what_is_missing_is_said_by_the_first_call_not_by_the_constructor(
    plan: TrainingPlan, tmp_path: Path
) -> None:
    actor = TeacherActor(replace(plan, text_encoder_weights=str(tmp_path / "no weights")), 0)
    with pytest.raises(InputError, match="no weights"):
        actor.ready()

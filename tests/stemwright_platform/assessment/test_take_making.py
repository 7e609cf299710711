from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from stemwright.compose import Composer
from stemwright.unet import StemUNet
from stemwright_platform.assessment.assessment_plan import AssessmentPlan
from stemwright_platform.assessment.context import Context
from stemwright_platform.assessment.take import TakeOrder
from stemwright_platform.assessment.take_making import (
    TrivialGuess,
    batches,
    generated,
    joined,
    recorded,
    take_request,
)
from stemwright_platform.evaluation.systems import SamplingChoice
from stemwright_platform.evaluation.task_name import parse_task

GIVEN = "bass_given_drums_instrument_melody"


@pytest.fixture(scope="module")
def composer(truthful: Context) -> Composer:
    return truthful.composer


@pytest.mark.parametrize("name", ["joint", GIVEN, "drums_alone"])
def test_a_batch_makes_what_composing_makes_one_by_one(
    truthful: Context, composer: Composer, name: str
) -> None:
    task = parse_task(name, truthful.tracks)
    windows = truthful.music.matched[:2]
    asked = [take_request(TakeOrder(maker="model", window=one), task, truthful.plan) for one in windows]
    given = [recorded(one, 48_000, task.given) for one in windows]
    together = generated(composer, composer.checkpoint.model, asked, given)
    for request, stems, made in zip(asked, given, together, strict=True):
        alone = composer.generate(request, stems)
        assert made.keys() == alone.keys()
        for track in alone:
            # rows of other batches round otherwise
            torch.testing.assert_close(made[track], alone[track], atol=1e-3, rtol=1e-2)


def test_the_trivial_guess_is_the_model_before_its_first_step(composer: Composer) -> None:
    checkpoint = composer.checkpoint
    fresh = StemUNet(checkpoint.preset.model, checkpoint.schedule).eval()
    rows, tracks, width = 2, len(checkpoint.tracks), composer.codec.latent_dim
    z = torch.randn(rows, tracks, width, 32, generator=torch.Generator().manual_seed(0))
    t = torch.tensor([[700] * tracks, [0] + [3] * (tracks - 1)])
    text = composer.text_encoder(["a", "b"])
    with torch.no_grad():
        torch.testing.assert_close(TrivialGuess(checkpoint.schedule)(z, t, text), fresh(z, t, text))


def test_each_window_and_turn_has_noise_of_its_own_whatever_the_task(truthful: Context) -> None:
    one, other = truthful.music.matched[:2]
    orders = [
        TakeOrder(maker="model", window=one),
        TakeOrder(maker="model", window=other),
        TakeOrder(maker="model", window=one, turn=1),
    ]
    joint, bass = (parse_task(name, truthful.tracks) for name in ("joint", GIVEN))
    seeds = [take_request(order, joint, truthful.plan).seed for order in orders]
    assert len(set(seeds)) == 3
    assert take_request(orders[0], bass, truthful.plan).seed == seeds[0]


def test_the_model_is_told_where_bars_are_unless_that_is_not_wanted(truthful: Context) -> None:
    window = truthful.music.matched[0]
    order, task = TakeOrder(maker="model", window=window), parse_task("joint", truthful.tracks)
    grid = take_request(order, task, truthful.plan).grid
    assert grid is not None
    assert grid.tempo_bpm == pytest.approx(window.tempo_bpm, rel=0.01)
    assert take_request(order, task, replace(truthful.plan, tell_grid=False)).grid is None


def test_an_order_changes_the_settings_it_names_alone() -> None:
    plan = SamplingChoice(num_steps=20, guidance_scale=2.0)
    assert joined(plan, SamplingChoice(num_steps=4)) == SamplingChoice(num_steps=4, guidance_scale=2.0)
    assert joined(plan, SamplingChoice()) == plan


def test_batches_hold_one_kind_of_take_each_and_every_order_once(truthful: Context) -> None:
    orders = [
        TakeOrder(maker=maker, window=window, task=task)
        for window in truthful.music.matched
        for maker in ("model", "real")
        for task in ("joint", GIVEN)
    ]
    found = batches(orders, 4)
    assert sum(map(len, found)) == len(orders)
    assert all(len(batch) <= 4 for batch in found)
    assert all(len({(order.maker, order.task) for order in batch}) == 1 for batch in found)


def test_a_window_is_the_part_of_the_recording_that_it_says(
    make_plan: Callable[..., AssessmentPlan], truthful: Context
) -> None:
    window = truthful.music.matched[0]
    whole = replace(window, start_s=0.0, duration_s=window.song.duration_s)
    start = round(window.start_s * 48_000)
    part = recorded(window, 48_000)["bass"]
    torch.testing.assert_close(part, recorded(whole, 48_000)["bass"][:, start : start + part.shape[1]])

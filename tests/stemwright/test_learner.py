from dataclasses import fields, replace

import torch
from toy_learning import toy_batch, toy_learner

from stemwright.learner import VELOCITY_FLOOR, has_bf16
from stemwright.training_draw import TrainingDraw
from stemwright.validation import validate


def test_an_interrupted_run_equals_an_uninterrupted_one_bit_for_bit() -> None:
    whole = toy_learner(p1=0.5)
    for step in range(6):
        last = whole.step(toy_batch(step))
    first = toy_learner(p1=0.5)
    for step in range(3):
        first.step(toy_batch(step))
    state = {name: value.clone() for name, value in first.state().items()}
    second = toy_learner(p1=0.5)
    second.load_state(state)
    for step in range(3, 6):
        resumed = second.step(toy_batch(step))
    assert resumed == last
    for a, b in zip(whole.state().values(), second.state().values(), strict=True):
        assert torch.equal(a, b)


def test_the_state_is_plain_tensors() -> None:
    learner = toy_learner()
    learner.step(toy_batch(0))
    assert all(isinstance(value, torch.Tensor) for value in learner.state().values())


def test_a_samples_draw_does_not_depend_on_its_batch_mates() -> None:
    one = toy_learner(p2=0.5, p2_starts_at_epoch=0, region_probability=0.5)
    whole = toy_batch(0, size=4)

    def drawn(rows: slice) -> tuple[TrainingDraw, torch.Tensor]:
        batch = replace(
            whole,
            latents=whole.latents[rows],
            presence=whole.presence[rows],
            prompts=whole.prompts[rows],
            sample_ids=whole.sample_ids[rows],
        )
        return one.draws.draw(batch, 10), one.draws.noise(batch)

    (together, noise), (apart, same) = drawn(slice(None)), drawn(slice(2, 4))
    assert torch.equal(noise[2:4], same)
    for field in fields(TrainingDraw):
        assert torch.equal(getattr(together, field.name)[2:4], getattr(apart, field.name))


def test_a_missing_track_is_never_a_target_and_never_given() -> None:
    learner = toy_learner()
    for step in range(20):
        batch = toy_batch(step, present=(True, False, True, True))
        made = learner.draws.draw(batch, step)
        assert not made.target[:, 1].any()
        assert not made.given[:, 1].any()
        assert made.target.any(1).all()


def test_a_missing_tracks_latents_do_not_reach_the_loss() -> None:
    presence = (True, False, True, True)
    clean, dirty = toy_batch(0, present=presence), toy_batch(0, present=presence)
    dirty.latents[:, 1] = 1e3
    assert toy_learner().step(clean)["loss"] == toy_learner().step(dirty)["loss"]


def test_learning_rate_warms_up_and_falls_to_zero() -> None:
    learner = toy_learner(total_steps=100, learning_rate=1e-3, warmup_steps=10)
    rates = []
    for step in range(101):
        learner.step_count = step
        rates.append(learner.learning_rate)
    assert rates.index(max(rates)) == 9
    assert rates[:9] == sorted(rates[:9])
    assert rates[-1] == 0.0


def test_velocity_weighting_is_the_inverse_signal_level_with_a_floor() -> None:
    learner = toy_learner(loss="velocity")
    t = torch.tensor([[1, 500, 999, 1000]])
    weight = learner._weight(t)
    assert weight is not None
    level = learner.schedule.alpha_bar[t].float()
    torch.testing.assert_close(weight[:, :, 0, 0], 1 / level.clamp(min=VELOCITY_FLOOR))
    assert toy_learner(loss="epsilon")._weight(t) is None


def test_the_model_learns_what_tracks_share() -> None:
    # all tracks alike: given tracks tell the target exactly, so a learner must beat the trivial guess
    learner = toy_learner(total_steps=60, p1=1.0, mixed_contexts=False, learning_rate=3e-3)
    for step in range(60):
        batch = toy_batch(step, size=8)
        batch.latents[:] = 0.1 + 2 * torch.randn(8, 1, 1, 1, generator=torch.Generator().manual_seed(step))
        learner.step(batch)
    held_out = toy_batch(999, size=8)
    held_out.latents[:] = 0.1 + 2 * torch.randn(8, 1, 1, 1, generator=torch.Generator().manual_seed(999))
    table = validate(learner, [held_out], rounds=4)
    ratio = table.ratios(lambda entry: entry.mode)
    assert ratio["conditional"] < 0.8


def test_precision_is_the_hardwares_unless_asked_for() -> None:
    assert toy_learner(precision="bf16").uses_bf16
    assert not toy_learner(precision="fp32").uses_bf16
    learner = toy_learner(precision="auto")
    assert learner.uses_bf16 == has_bf16(learner.device)

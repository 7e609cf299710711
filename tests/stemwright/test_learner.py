from collections.abc import Sequence
from dataclasses import fields, replace

import torch
from toy_learning import HashedText, toy_batch, toy_learner

from stemwright.batch import Batch
from stemwright.bf16 import has_bf16
from stemwright.learner import VELOCITY_FLOOR
from stemwright.loss_table import LossTable
from stemwright.teacher import InlineTeacher
from stemwright.text_embedding import TextEmbedding
from stemwright.training_draw import TrainingDraw, TrainingDraws
from stemwright.validation import validate

EVERYTHING = {"p1": 0.5, "p2": 0.5, "p2_starts_at_epoch": 2, "teacher_steps": 2, "region_probability": 0.5}


def test_an_interrupted_run_equals_an_uninterrupted_one_bit_for_bit() -> None:
    whole = toy_learner(**EVERYTHING)
    for step in range(6):
        last = whole.step(toy_batch(step))
    first = toy_learner(**EVERYTHING)
    for step in range(3):
        first.step(toy_batch(step))
    state = {name: value.clone() for name, value in first.state().items()}
    second = toy_learner(**EVERYTHING)
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


def steady_songs(seed: int) -> Batch:
    """One value through all channels, tracks and frames, drawn anew for each song."""
    batch = toy_batch(seed, size=8)
    batch.latents[:] = 0.1 + 2 * torch.randn(8, 1, 1, 1, generator=torch.Generator().manual_seed(seed))
    return batch


def test_a_model_learns_to_go_on_with_what_it_knows_of_a_target() -> None:
    learner = toy_learner(total_steps=60, curriculum="joint", region_probability=1.0, learning_rate=3e-3)
    for step in range(60):
        learner.step(steady_songs(step))

    def ratio_in_noise(region_probability: float) -> float:
        """Where noise hides the song, so that only known frames tell it."""
        training = replace(learner.config, region_probability=region_probability)
        preset = replace(learner.preset, training=training)
        draws = TrainingDraws(preset, total_steps=1, steps_per_epoch=1, seed=7)
        table = LossTable(learner.schedule)
        for seed in range(1000, 1008):
            batch = steady_songs(seed)
            table.add(learner.evaluate(batch, draws.draw(batch, 1), draws.noise(batch)))
        return table.ratios(lambda entry: entry.timestep > 800)[True]

    assert ratio_in_noise(1.0) < 0.7 * ratio_in_noise(0.0)


def test_known_frames_are_shown_clean_and_never_asked_for() -> None:
    learner = toy_learner(region_probability=1.0)
    batch = toy_batch(0)
    drawn, noise = learner.draws.draw(batch, 0), learner.draws.noise(batch)
    made = learner.evaluate(batch, drawn, noise)
    known = drawn.known_frames
    assert known.any()
    z0 = learner.stats.normalise(batch.latents)
    assert torch.equal(made.z.movedim(2, -1)[known], z0.movedim(2, -1)[known])
    assert not (made.loss_mask[:, :, 0] & known).any()
    assert torch.equal(made.loss_mask[:, :, 0] | known, drawn.target[..., None].expand_as(known))


def test_the_shared_timestep_baseline_shows_all_tracks_at_one_timestep() -> None:
    learner = toy_learner(curriculum="joint")
    for step in range(5):
        batch = toy_batch(step)
        made = learner.evaluate(batch, learner.draws.draw(batch, step), learner.draws.noise(batch))
        assert (made.t == made.t[:, :1]).all()


def test_prompts_are_embedded_alike_whatever_the_precision_of_training() -> None:
    class Watchful(HashedText):
        def __call__(self, prompts: Sequence[str]) -> TextEmbedding:
            in_autocast.append(torch.is_autocast_enabled("cpu"))
            return super().__call__(prompts)

    in_autocast: list[bool] = []
    learner = toy_learner(precision="bf16", p1=1.0, p2=1.0, p2_starts_at_epoch=0, teacher_steps=1)
    learner.text_encoder = Watchful()
    learner.teacher = InlineTeacher(learner.denoise_averaged, learner.preset, learner.text_encoder, seed=0)
    learner.step(toy_batch(0))
    assert in_autocast == [False, False]

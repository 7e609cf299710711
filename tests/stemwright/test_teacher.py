from dataclasses import fields, replace

import torch
from gaussian_music import gaussian_music
from torch import Tensor
from toy_learning import FRAMES, HashedText, toy_batch, toy_learner, toy_preset, toy_stats

from stemwright.batch import Batch
from stemwright.presets import Preset
from stemwright.teacher import InlineTeacher
from stemwright.text_embedding import TextEmbedding
from stemwright.training_draw import TrainingDraw

SONG_FRAMES = 5


def asked(batch: Batch, target: list[bool], given: list[bool], bootstrapped: list[bool]) -> TrainingDraw:
    size = len(batch.prompts)
    return TrainingDraw(
        target=torch.tensor([target] * size),
        given=torch.tensor([given] * size),
        t=torch.full((size,), 500),
        known=torch.zeros(size, batch.num_frames, dtype=torch.bool),
        text_dropped=torch.zeros(size, dtype=torch.bool),
        bootstrapped=torch.tensor(bootstrapped),
    )


def random_teacher(preset: Preset | None = None) -> InlineTeacher:
    learner = toy_learner(p2=0.5)
    for parameter in learner.ema.module.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.05, generator=torch.Generator().manual_seed(1))
    return InlineTeacher(learner.denoise_averaged, preset or learner.preset, HashedText(), seed=3)


def test_given_tracks_of_bootstrapped_samples_are_made_and_no_others() -> None:
    batch = toy_batch(0)
    z0 = toy_stats().normalise(batch.latents)
    drawn = asked(batch, [True, False, False, False], [False, True, True, False], [True, False, True, False])
    made = random_teacher().substitutes(0, batch, z0, drawn)
    expected = torch.zeros(4, 4, dtype=torch.bool)
    expected[[0, 0, 2, 2], [1, 2, 1, 2]] = True
    assert torch.equal(made.made, expected)
    assert made.latents[expected].abs().sum((1, 2)).min() > 0
    assert not torch.isclose(made.latents[expected], z0[expected]).all((1, 2)).any()


def test_a_track_is_the_same_whoever_else_is_asked_for() -> None:
    batch = toy_batch(0)
    z0 = toy_stats().normalise(batch.latents)
    teacher, of = random_teacher(), ([True, False, False, False], [False, True, True, True])
    together = teacher.substitutes(0, batch, z0, asked(batch, *of, [True] * 4))
    alone = teacher.substitutes(7, batch, z0, asked(batch, *of, [False, False, True, False]))
    torch.testing.assert_close(together.latents[2], alone.latents[2], rtol=1e-4, atol=1e-5)


def test_padding_stays_silent() -> None:
    batch = toy_batch(0)
    frame_mask = torch.arange(FRAMES) < torch.tensor([FRAMES, 20, 8, FRAMES])[:, None]
    batch = replace(batch, frame_mask=frame_mask)
    drawn = asked(batch, [True, False, False, False], [False, True, True, True], [True] * 4)
    made = random_teacher().substitutes(0, batch, toy_stats().normalise(batch.latents), drawn)
    assert not made.latents[1, :, :, 20:].any()
    assert not made.latents[2, :, :, 8:].any()


def test_a_teacher_that_knows_the_music_makes_tracks_that_fit_the_targets() -> None:
    music = gaussian_music(4, SONG_FRAMES, seed=2)
    songs = music.draw(400, torch.Generator().manual_seed(1))
    batch = replace(toy_batch(0, size=400), latents=songs, sample_ids=torch.arange(400), prompts=("",) * 400)
    schedule = toy_preset().schedule.build()
    best = music.denoiser(schedule)

    def denoise(z: Tensor, t: Tensor, text: TextEmbedding, frame_mask: Tensor | None) -> Tensor:
        return best(z, t, None)

    teacher = InlineTeacher(denoise, toy_preset(teacher_steps=20), HashedText(), seed=3)
    drawn = asked(batch, [True, True, True, False], [False, False, False, True], [True] * 400)
    made = teacher.substitutes(0, batch, songs, drawn).latents[:, 3, 0]
    heard = torch.zeros(4, SONG_FRAMES, dtype=torch.bool)
    heard[:3] = True
    expected = torch.stack([music.given(heard.flatten(), s.flatten()[heard.flatten()])[0] for s in songs])
    spread = (made - expected).square().mean()
    truth = music.given(heard.flatten(), songs[0].flatten()[heard.flatten()])[1].diag().mean()
    # as near to what the other tracks say as a recorded track is, and far from it without them
    assert 0.7 < float(spread / truth) < 1.3
    assert float((made.roll(1, 0) - expected).square().mean()) > 2 * float(truth)


class Recorder(torch.nn.Module):
    """Stands in for a U-Net and keeps what it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = torch.nn.Parameter(torch.ones(()))
        self.seen: list[tuple[Tensor, Tensor]] = []

    def forward(self, z: Tensor, t: Tensor, text: TextEmbedding, frame_mask: Tensor | None) -> Tensor:
        if self.training:
            self.seen.append((z.detach(), t))
        return self.gain * z


def test_the_model_hears_the_teachers_tracks_and_is_asked_for_the_recorded_targets() -> None:
    def shown(p2: float) -> tuple[Tensor, Tensor, dict[str, float]]:
        recorder = Recorder()
        learner = toy_learner(model=recorder, p1=1.0, p2=p2, p2_starts_at_epoch=0, mixed_contexts=False)
        figures = learner.step(toy_batch(0))
        return *recorder.seen[0], figures

    plain, t, before = shown(0.0)
    replaced, same_t, after = shown(1.0)
    assert torch.equal(t, same_t)
    given = t == 0
    assert given.any()
    changed = (plain != replaced).flatten(2).any(2)
    assert torch.equal(changed, given)
    assert "teacher_wanted" not in before
    assert after["teacher_wanted"] == after["teacher_served"] == int(given.any(1).sum())
    assert after["p2"] == 1.0


def test_the_teacher_is_heard_from_its_epoch_on_with_probability_p2() -> None:
    learner = toy_learner(p2=0.5, p2_starts_at_epoch=3)  # an epoch a step
    share = [
        float(learner.draws.draw(toy_batch(step, size=200), step).bootstrapped.double().mean())
        for step in range(6)
    ]
    assert share[:3] == [0.0, 0.0, 0.0]
    assert all(0.35 < each < 0.65 for each in share[3:])
    assert [learner.draws.p2(step) for step in range(6)] == [0, 0, 0, 0.5, 0.5, 0.5]


def test_a_draw_moves_whole_to_a_device() -> None:
    drawn = toy_learner().draws.draw(toy_batch(0), 0)
    moved = drawn.to("meta")
    assert all(getattr(moved, field.name).is_meta for field in fields(TrainingDraw))

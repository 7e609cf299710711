"""Pieces in windows: what is cut, what is told, and that music goes on where a window ends."""

from itertools import pairwise

import pytest
import torch
from torch import Tensor

from stemwright.beat_grid import BeatGrid, read_grid
from stemwright.diffusion import NoiseSchedule
from stemwright.guidance import Guidance
from stemwright.long_pieces import CONTEXT, PieceSampling, piece_windows, window_prompts
from stemwright.sampler import Sampling, run
from stemwright.tasks import Task
from stemwright.text_embedding import TextEmbedding
from stemwright.tracks import Tracks

SCHEDULE = NoiseSchedule.scaled_linear()
TRACKS = Tracks(names=("a", "b", "c"), prompt_names=("a", "b", "c"))
TASK = Task(("a",), ("b",), tracks=TRACKS)


@pytest.mark.parametrize("segment", [1, 4])
@pytest.mark.parametrize("longest", [24, 60, 100])
@pytest.mark.parametrize("num_frames", [24, 100, 104, 1000, 5000])
def test_windows_of_one_length_cover_the_piece_each_with_context(
    num_frames: int, longest: int, segment: int
) -> None:
    windows = piece_windows(num_frames, longest, segment)
    if num_frames <= longest:
        assert windows == [range(num_frames)]
        return
    assert {len(window) for window in windows} == {longest}
    assert (windows[0].start, windows[-1].stop) == (0, num_frames)
    assert all(window.start % segment == 0 for window in windows)
    for before, after in pairwise(windows):
        assert before.start < after.start <= before.stop - CONTEXT * longest + segment


def constant_music(z: Tensor, t: Tensor, text: TextEmbedding | None = None) -> Tensor:
    """Exact ε of tracks that never change, of variance 1; a frame at 0 shows the track's value."""
    level = SCHEDULE.level(t, z)
    signal, noise = level.sqrt(), (1 - level).sqrt()
    known = noise == 0
    weight = torch.where(known, 1e6, level / (1 - level))
    clean = (weight * z / signal).sum(-1, keepdim=True) / (1 + weight.expand_as(z).sum(-1, keepdim=True))
    return torch.where(known, 0.0, (z - signal * clean) / noise)


def piece(
    latents: Tensor, longest: int, seed: int = 3, known: Tensor | None = None, task: Task = TASK
) -> PieceSampling:
    generator = torch.Generator().manual_seed(seed)

    def begin(window: range, inside: Tensor, kept: Tensor | None) -> Sampling:
        return Sampling(
            SCHEDULE,
            task,
            inside,
            known=kept,
            num_steps=20,
            generator=generator,
            guidance=Guidance(scale=1.5),
        )

    return PieceSampling(task, latents, piece_windows(latents.shape[-1], longest), begin, known)


def latents(frames: int) -> Tensor:
    return torch.randn(1, 3, 2, frames, generator=torch.Generator().manual_seed(1))


def test_a_piece_of_one_window_is_what_a_sampling_makes() -> None:
    given = latents(30)
    whole = Sampling(
        SCHEDULE,
        TASK,
        given,
        num_steps=20,
        generator=torch.Generator().manual_seed(3),
        guidance=Guidance(scale=1.5),
    )
    assert torch.equal(run(constant_music, piece(given, 30)), run(constant_music, whole))


def test_music_goes_on_as_it_began() -> None:
    made = run(constant_music, piece(latents(200), 24))[0, 0]
    assert made.std(-1).max() < 0.02
    assert made.mean(-1).abs().min() > 0.05


def test_each_window_by_itself_would_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PieceSampling, "_next", _forgetful)
    made = run(constant_music, piece(latents(200), 24))[0, 0]
    assert made.std(-1).min() > 0.2


def _forgetful(self: PieceSampling) -> Sampling:
    window = self._windows[self._made]
    return self._begin(window, self._latents[..., window.start : window.stop], None)


def test_given_tracks_and_known_frames_stay_and_absent_ones_are_silent() -> None:
    given = latents(100)
    known = (torch.arange(100) < 10) | (torch.arange(100) >= 90)
    made = run(constant_music, piece(given, 24, known=known))
    assert torch.equal(made[:, 1], given[:, 1])
    assert torch.equal(made[:, 0, :, known], given[:, 0, :, known])
    assert not torch.isclose(made[:, 0, :, ~known], given[:, 0, :, ~known]).any()
    assert not made[:, 2].any()


def test_windows_without_anything_to_make_are_left_out_and_steps_are_counted() -> None:
    known = torch.arange(200) >= 30
    sampling, told = piece(latents(200), 24, known=known), []
    run(constant_music, sampling, lambda step, num_steps: told.append((step, num_steps)))
    needed = sum(window.start < 30 for window in piece_windows(200, 24))
    assert needed < len(piece_windows(200, 24))
    assert told == [(step, 20 * needed) for step in range(1, 20 * needed + 1)]


def test_each_window_is_told_the_bars_from_its_own_start() -> None:
    grid = BeatGrid(tempo_bpm=100.0, beats_per_bar=3, bar_s=0.5)
    windows = [range(400), range(250, 650), range(500, 900)]
    told = window_prompts(grid.told("slow waltz"), windows, 50.0)
    assert told[0] == grid.told("slow waltz")
    for prompt, window in zip(told, windows, strict=True):
        heard, rest = read_grid(prompt)
        assert heard is not None
        assert rest == "slow waltz"
        assert (heard.tempo_bpm, heard.beats_per_bar) == (100.0, 3)
        bars = (heard.bar_s + window.start / 50.0 - 0.5) / 1.8
        assert bars == pytest.approx(round(bars), abs=1e-3)


def test_a_prompt_without_a_grid_is_told_to_all() -> None:
    assert window_prompts("slow blues", [range(8), range(4, 12)], 50.0) == ["slow blues"] * 2

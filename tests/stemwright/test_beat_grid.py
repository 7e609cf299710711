import math

import numpy as np
import pytest
import torch

from stemwright.beat_grid import (
    BAR_HARMONICS,
    BEAT_HARMONICS,
    NUM_CLOCKS,
    BeatGrid,
    clocks,
    grid_of_window,
    named_tempo_bpm,
    read_grid,
    with_first_bar,
)
from stemwright.errors import InputError


def test_a_prompt_tells_a_grid_that_is_read_back():
    grid = BeatGrid(tempo_bpm=93.25, beats_per_bar=3, bar_s=1.875)
    assert read_grid(grid.told("slow blues, 93 bpm")) == (grid, "slow blues, 93 bpm")
    assert read_grid(grid.told("")) == (grid, "")


def test_a_grid_is_found_anywhere_in_a_prompt():
    grid = BeatGrid(tempo_bpm=120, bar_s=0.5)
    found, words = read_grid(f"funk, {grid.phrase}, E minor")
    assert found == grid
    assert words == "funk, E minor"


@pytest.mark.parametrize("prompt", ["", "slow blues, 96 bpm", "4/4 at night", "bar at 3 s"])
def test_other_words_are_no_grid(prompt):
    assert read_grid(prompt) == (None, prompt)


@pytest.mark.parametrize("prompt", ["4/4 at 5 bpm, bar at 0 s", "40/4 at 100 bpm, bar at 0 s"])
def test_a_grid_that_no_music_has_is_refused(prompt):
    with pytest.raises(InputError, match=r"tempo|beats"):
        read_grid(prompt)


@pytest.mark.parametrize(
    ("prompt", "tempo_bpm"), [("house, 126 bpm", 126), ("90.5BPM", 90.5), ("bpm 90", None), ("10 bpm", None)]
)
def test_a_tempo_is_read_where_one_is_named(prompt, tempo_bpm):
    assert named_tempo_bpm(prompt) == tempo_bpm


def test_music_from_nothing_begins_with_a_bar_in_the_tempo_asked_for():
    assert read_grid(with_first_bar("waltz in 3/4, 140 bpm"))[0] == BeatGrid(tempo_bpm=140, beats_per_bar=3)
    assert with_first_bar("slow blues") == "slow blues"
    told = BeatGrid(tempo_bpm=100, bar_s=0.3).told("funk, 100 bpm")
    assert with_first_bar(told) == told


@pytest.mark.parametrize(("bpm", "beats"), [(60.0, 4), (97.5, 3), (180.0, 6)])
def test_the_grid_of_a_window_meets_the_bars_of_its_song(bpm, beats):
    bar = 60 * beats / bpm
    song = 0.7 + bar * np.arange(40)
    for start_s in (0.0, 3.21, 7.9):
        grid = grid_of_window(tuple(song), bpm, start_s, 8.0)
        assert grid is not None
        assert grid.beats_per_bar == beats
        assert grid.tempo_bpm == pytest.approx(bpm)
        assert 0 <= grid.bar_s < bar + 1e-3
        nearest = song[np.abs(song - (start_s + grid.bar_s)).argmin()]
        assert start_s + grid.bar_s == pytest.approx(nearest, abs=2e-3)


def test_there_is_no_grid_where_the_tempo_changes_or_no_bars_are_known():
    assert grid_of_window((), 120, 0, 8) is None
    assert grid_of_window((1.0,), 120, 0, 8) is None
    assert grid_of_window((0, 2, 4, 5, 6, 7), 120, 0, 8) is None
    assert grid_of_window((0, 2, 4, 6, 8, 10), 120, 30.0, 8) is None


def test_clocks_are_at_their_peak_where_their_beats_are():
    rate_hz = 1000.0
    ticking = clocks(
        torch.tensor([2.0]), torch.tensor([4.0]), torch.tensor([0.25]), frames=4000, frame_rate_hz=rate_hz
    )[0]
    time_s = (np.arange(4000) + 0.5) / rate_hz
    turns = [h * 2.0 for h in BEAT_HARMONICS] + [h * 0.5 for h in BAR_HARMONICS]
    for channel, hz in enumerate(turns):
        expected = np.cos(2 * math.pi * hz * (time_s - 0.25))
        np.testing.assert_allclose(ticking[:, channel].numpy(), expected, atol=1e-3)
    assert ticking.shape[1] == NUM_CLOCKS
    assert bool((ticking[:, -1] == 1).all())


def test_clocks_stand_still_where_no_grid_is_known():
    silent = clocks(torch.zeros(2), torch.zeros(2), torch.zeros(2), frames=50, frame_rate_hz=46.875)
    assert not silent.any()

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from stemwright.metrics.diversity import (
    Embeddings,
    EmbeddingScale,
    TrainingSongs,
    copying,
    spread_over_seeds,
)

WIDTH, SONGS = 40, 30
SILENCE = np.full(WIDTH, 0.3)
RNG = np.random.default_rng(0)
STYLES = RNG.normal(size=(5, WIDTH))


def music(rng: np.random.Generator, patches: int = 10) -> NDArray[np.float64]:
    """A song's embeddings: of one of five styles, itself, and changing."""
    own = STYLES[rng.integers(5)] + rng.normal(size=WIDTH)
    return 2.0 + 5 * (own + 0.5 * rng.normal(size=(patches, WIDTH)))


TRAINED = [music(np.random.default_rng(seed)) for seed in range(SONGS)]
HELD_OUT = [music(np.random.default_rng(1000 + seed), 3) for seed in range(150)]
SCALE = EmbeddingScale.of(TRAINED, SILENCE)
INDEX = TrainingSongs(TRAINED, SCALE)


def near(song: Embeddings, seed: int, noise: float) -> NDArray[np.float64]:
    """Three patches of a song, not quite as they were."""
    return song[4:7] + noise * np.random.default_rng(seed).normal(size=(3, WIDTH))


def test_planted_copies_are_found_with_their_songs_and_fresh_music_is_not() -> None:
    fresh = [music(np.random.default_rng(5000 + seed), 3) for seed in range(40)]
    planted = [near(TRAINED[number], number, noise) for number, noise in ((3, 0.0), (8, 0.3), (20, 1.0))]
    found = copying([*fresh[:20], *planted, *fresh[20:]], HELD_OUT, INDEX)
    assert {20, 21, 22} <= set(found.copies)
    assert [found.neighbours[place].song for place in (20, 21, 22)] == [3, 8, 20]
    assert len(found.copies) <= 3 + 3
    assert found.share == len(found.copies) / 43
    assert found.held_out == 150


def test_real_clips_are_called_copies_as_rarely_as_promised() -> None:
    fresh = [music(np.random.default_rng(9000 + seed), 3) for seed in range(300)]
    assert copying(fresh, HELD_OUT, INDEX).share < 0.04


def test_an_exact_copy_has_no_distance_and_no_nearness() -> None:
    found = INDEX.neighbour(TRAINED[7][2:5])
    assert found.song == 7
    assert found.distance == pytest.approx(0, abs=1e-5)
    assert found.nearness == pytest.approx(0, abs=1e-4)


def test_the_scale_of_a_channel_does_not_matter() -> None:
    stretch = np.geomspace(0.1, 10, WIDTH)
    stretched = TrainingSongs(
        [song * stretch for song in TRAINED], EmbeddingScale.of([s * stretch for s in TRAINED])
    )
    clip = HELD_OUT[0]
    assert stretched.neighbour(clip * stretch).distance == pytest.approx(
        TrainingSongs(TRAINED, EmbeddingScale.of(TRAINED)).neighbour(clip).distance, rel=1e-4
    )


def test_silence_is_no_copy_and_hides_none() -> None:
    silent = np.repeat(SILENCE[None], 3, axis=0)
    songs = TrainingSongs([np.concatenate([song, silent]) for song in TRAINED] + [silent], SCALE)
    found = copying(
        [silent, np.concatenate([silent, TRAINED[5][:3]]), HELD_OUT[3]], [*HELD_OUT, silent], songs
    )
    assert math.isnan(found.neighbours[0].distance)
    assert found.neighbours[0].song == -1
    assert found.copies == (1,)
    assert (found.n, found.held_out) == (2, 150)
    assert math.isnan(copying([silent], HELD_OUT, songs).share)


def test_songs_are_numbered_as_they_were_given_though_some_are_silent() -> None:
    silent = np.repeat(SILENCE[None], 4, axis=0)
    assert TrainingSongs([silent, *TRAINED], SCALE).neighbour(TRAINED[2][:3]).song == 3


def test_what_cannot_be_compared_is_refused() -> None:
    silent = np.repeat(SILENCE[None], 3, axis=0)
    with pytest.raises(ValueError, match="at least 2 patches"):
        EmbeddingScale.of([silent], SILENCE)
    with pytest.raises(ValueError, match="at least 2 training songs"):
        TrainingSongs([TRAINED[0], silent], SCALE)
    with pytest.raises(ValueError, match="no held-out clip"):
        copying([TRAINED[0]], [silent], INDEX)


def takes(alike: float, seed: int) -> list[list[NDArray[np.float64]]]:
    """Eight requests of four takes; `alike` 1: a request's takes are the same."""
    rng = np.random.default_rng(seed)
    requests = []
    for _ in range(8):
        wanted = rng.normal(size=WIDTH)
        own = [math.sqrt(alike) * wanted + math.sqrt(1 - alike) * rng.normal(size=WIDTH) for _ in range(4)]
        requests.append([np.tile(2 + 5 * take, (3, 1)) for take in own])
    return requests


def test_spread_falls_as_the_takes_of_a_request_become_alike() -> None:
    ratios = [spread_over_seeds(takes(alike, seed=1), SCALE).ratio for alike in (0.0, 0.5, 0.9, 1.0)]
    assert ratios == sorted(ratios, reverse=True)
    assert ratios[0] == pytest.approx(1, abs=0.1)
    assert ratios[-1] == pytest.approx(0, abs=1e-9)


def test_the_whole_ratio_is_the_mean_of_the_requests() -> None:
    spread = spread_over_seeds(takes(0.5, seed=2), SCALE)
    assert spread.ratio == pytest.approx(np.mean(spread.ratios))
    assert spread.ratio == pytest.approx(spread.within / spread.between)


def test_spread_needs_two_takes_and_two_requests() -> None:
    some = takes(0.5, seed=3)
    assert math.isnan(spread_over_seeds([one[:1] for one in some], SCALE).ratio)
    assert math.isnan(spread_over_seeds(some[:1], SCALE).ratio)
    assert math.isnan(spread_over_seeds([], SCALE).ratio)
    one_short = spread_over_seeds([some[0][:1], *some[1:]], SCALE)
    assert math.isnan(one_short.ratios[0])
    assert not math.isnan(one_short.ratio)

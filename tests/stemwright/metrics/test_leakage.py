import math

import numpy as np
import pytest
import torch
from known_sounds import RATE_HZ, chords, clicks
from torch import Tensor

from stemwright.mdct_codec import MdctCodec
from stemwright.metrics.leakage import given_unchanged, leakage

DRUMS = clicks(np.arange(0.1, 5.8, 0.25).tolist(), 6)
CHORDS = chords([[48, 52, 55], [53, 57, 60], [55, 59, 62]], 2, harmonics=8)


def at_level(audio: Tensor, like: Tensor, level_db: float) -> Tensor:
    return audio / audio.square().mean().sqrt() * like.square().mean().sqrt() * 10 ** (level_db / 20)


def test_a_signal_leaks_into_itself_wholly_whatever_its_gain() -> None:
    assert leakage(DRUMS, 0.1 * DRUMS) == pytest.approx(1, abs=0.01)


def test_it_grows_with_the_leak_and_is_least_without_one() -> None:
    values = [
        leakage(CHORDS + at_level(DRUMS, CHORDS, level_db), DRUMS) for level_db in (-60, -30, -20, -10, 0)
    ]
    assert leakage(CHORDS, DRUMS) < 0.03
    assert values == sorted(values)
    assert values[1] > 0.05


def test_a_late_leak_is_found_and_one_beyond_reach_is_not() -> None:
    leak = at_level(DRUMS, CHORDS, -20)
    late = [torch.roll(leak, round(shift_s * RATE_HZ), dims=1) for shift_s in (0.015, -0.015, 0.1)]
    found = [leakage(CHORDS + one, DRUMS) for one in late]
    assert min(found[:2]) > 0.1 > found[2]


def test_a_leak_is_found_behind_the_codec() -> None:
    codec = MdctCodec()

    def coded(audio: Tensor) -> Tensor:
        return codec.decode(codec.encode(audio[None]))[0]

    clean = leakage(coded(CHORDS), DRUMS)
    for level_db in (-20, -30):
        assert leakage(coded(CHORDS + at_level(DRUMS, CHORDS, level_db)), DRUMS) > 2 * clean


def test_lengths_may_differ_and_silence_is_not_measured() -> None:
    assert leakage(DRUMS, DRUMS[:, : 2 * RATE_HZ]) == pytest.approx(1, abs=0.01)
    assert math.isnan(leakage(torch.zeros_like(DRUMS), DRUMS))
    assert math.isnan(leakage(DRUMS, 0 * DRUMS))


def test_a_given_track_is_unchanged_only_where_no_sample_differs() -> None:
    after = DRUMS.clone()
    assert given_unchanged(DRUMS, after) == 0
    after[1, 77] += 0.25
    assert given_unchanged(DRUMS, after) == pytest.approx(0.25)
    assert given_unchanged(DRUMS, DRUMS[:, 1:]) == math.inf

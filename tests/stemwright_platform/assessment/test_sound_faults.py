import math

import pytest
import torch

from stemwright.metrics.feature import Arrays
from stemwright.metrics.soundness import Soundness
from stemwright_platform.assessment.context import Context
from stemwright_platform.assessment.sound_faults import depth_db, rest_figures, rests, sound_figures

RATE = 48_000


def stem(sounding_s: float, *, total_s: float = 4.0, hiss: float = 0.0) -> Arrays:
    """A tone that rests after so many seconds, with hiss all the way."""
    time = torch.arange(round(total_s * RATE)) / RATE
    tone = 0.1 * torch.sin(2 * math.pi * 220 * time) * (time < sounding_s)
    noise = hiss * torch.randn(len(time), generator=torch.Generator().manual_seed(0))
    return Soundness().extract((tone + noise).expand(2, -1))


def test_a_stem_rests_where_it_is_silent_for_half_a_second() -> None:
    assert not rests(stem(4.0))
    assert not rests(stem(3.7))
    assert rests(stem(3.2))
    assert rests(stem(0.0))


def test_hiss_is_no_rest_and_its_level_is_told() -> None:
    hissing = stem(2.0, hiss=0.01)
    assert not rests(hissing)
    assert depth_db(hissing) == pytest.approx(-40, abs=1)


def test_takes_that_never_rest_miss_what_real_stems_do() -> None:
    pairs = [(stem(4.0), stem(2.0)), (stem(2.0, hiss=0.01), stem(1.0)), (stem(4.0), stem(4.0))]
    often, level = rest_figures(pairs, ["a", "b", "c"])
    assert often.value == 0
    assert often.met is False
    assert level.n == 2
    assert level.value > -45
    alike, deep = rest_figures([(real, real) for _, real in pairs], ["a", "b", "c"])
    assert alike.value == 1
    assert alike.met
    assert deep.value == -120


def test_songs_that_never_rest_tell_nothing() -> None:
    often, level = rest_figures([(stem(4.0), stem(4.0))], ["a"])
    assert math.isnan(often.value)
    assert often.verdict == "not measured"
    assert math.isnan(level.value)


def test_given_tracks_pass_a_model_of_random_weights_bit_for_bit_and_real_stems_have_no_fault(
    truthful: Context,
) -> None:
    """The takes that are judged are real stems; what is given passes the model itself."""
    figures = {figure.name: figure for figure in sound_figures(truthful)}
    untouched = figures["sound.given_untouched"]
    assert (untouched.value, untouched.met) == (1.0, True)
    assert untouched.n == 2 * 4 * 3
    assert figures["sound.clicks"].value == 0
    assert figures["sound.clipping"].met
    assert figures["sound.rests"].value in (1.0, pytest.approx(math.nan, nan_ok=True))

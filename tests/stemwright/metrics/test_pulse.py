import numpy as np
import pytest

from stemwright.metrics.coherence import correlation
from stemwright.metrics.pulse import autocorrelation, beat_profile, periodicity, tempo_bpm


def strokes(bpm: float, *, shift_s: float = 0.0, duration_s: float = 10.0) -> np.ndarray:
    """Onset strength of a stroke a beat, its frames 10 ms apart, as bumps of three frames."""
    strength = np.zeros(round(100 * duration_s), np.float32)
    for time_s in np.arange(shift_s, duration_s - 0.05, 60 / bpm):
        strength[round(100 * time_s)] = 1
    return np.convolve(strength, [0.5, 1, 0.5], mode="same").astype(np.float32)


@pytest.mark.parametrize("bpm", [70, 96, 111, 128, 150, 172])
def test_the_tempo_of_even_strokes_is_theirs_or_an_octave_of_it(bpm: float) -> None:
    heard = tempo_bpm(strokes(bpm))
    assert heard is not None
    octaves = np.log2(heard / bpm)
    assert abs(octaves - round(octaves)) < np.log2(1.02)


@pytest.mark.parametrize("strength", [np.zeros(1000), np.ones(1000), np.zeros(1), strokes(120, duration_s=2)])
def test_silence_a_constant_and_a_moment_have_no_tempo(strength: np.ndarray) -> None:
    assert tempo_bpm(strength.astype(np.float32)) is None


def test_autocorrelation_is_one_at_its_period_and_does_not_hang_on_level() -> None:
    strength = strokes(120)
    repeats = autocorrelation(strength)
    assert repeats[0] == pytest.approx(1)
    assert repeats[50] == pytest.approx(1, abs=0.05)
    assert np.allclose(repeats, autocorrelation(5 * strength + 3), atol=1e-5)


def test_periods_agree_for_equal_tempi_and_their_octaves_and_for_no_others() -> None:
    def alike(bpm: float) -> float:
        return correlation(periodicity(strokes(120, shift_s=0.2)), periodicity(strokes(bpm)))

    assert min(alike(120), alike(60), alike(121)) > 0.7
    assert max(alike(130), alike(108), alike(90), alike(150)) < 0.3


def test_a_beat_profile_turns_with_the_phase() -> None:
    on, late, off = (beat_profile(strokes(100, shift_s=shift), 100) for shift in (0.0, 0.02, 0.3))
    assert correlation(on, on) == pytest.approx(1)
    assert correlation(on, late) > 0.4 > 0 > correlation(on, off)

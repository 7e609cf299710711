import librosa
import numpy as np
import pytest

from stemwright_platform.corpus.rhythm_estimate import BEATS_PER_BAR, HOP, SAMPLE_RATE_HZ, estimate_rhythm

CHORDS = ((48, 52, 55), (53, 57, 60), (55, 59, 62), (57, 60, 64))


def band(tempo_bpm: float, bars: int, pickup: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Drums, with a snare on two and four, and chords that change with the bar, after `pickup` beats."""
    rng = np.random.default_rng(1)
    beat = round(60 / tempo_bpm * SAMPLE_RATE_HZ)
    total = (bars * BEATS_PER_BAR + pickup) * beat
    drums, chords = np.zeros(total + beat), np.zeros(total + beat)
    time = np.arange(beat) / SAMPLE_RATE_HZ
    kick = np.sin(2 * np.pi * 60 * time) * np.exp(-time * 30)
    snare = rng.standard_normal(beat) * np.exp(-time * 40)
    for number in range(bars * BEATS_PER_BAR + pickup):
        place = (number - pickup) % BEATS_PER_BAR
        chord = CHORDS[((number - pickup) // BEATS_PER_BAR) % len(CHORDS)]
        start = number * beat
        drums[start : start + beat] += snare * 0.4 if place % 2 else kick
        tone = sum(np.sin(2 * np.pi * 440 * 2 ** ((note - 69) / 12) * time) for note in chord)
        chords[start : start + beat] += 0.1 * tone * np.exp(-time * 2)
    return drums.astype(np.float32), chords.astype(np.float32)


def heard(drums: np.ndarray, chords: np.ndarray, tempo_bpm: float | None = None, *, apart: bool = True):
    chroma = librosa.feature.chroma_cqt(y=chords, sr=SAMPLE_RATE_HZ)
    return estimate_rhythm(drums + chords, chroma, drums if apart else None, tempo_bpm)


@pytest.mark.parametrize("tempo_bpm", [92.0, 120.0])
def test_a_steady_tempo_is_found_within_a_hundredth(tempo_bpm: float) -> None:
    rhythm = heard(*band(tempo_bpm, bars=6))
    assert rhythm is not None
    assert rhythm.tempo_bpm == pytest.approx(tempo_bpm, rel=0.01)


@pytest.mark.parametrize("pickup", [0, 1, 3])
@pytest.mark.parametrize("apart", [True, False])
def test_bars_begin_where_the_chords_change(pickup: int, apart: bool) -> None:
    tempo_bpm = 120.0
    rhythm = heard(*band(tempo_bpm, bars=6, pickup=pickup), apart=apart)
    assert rhythm is not None
    bar_s = 60 / tempo_bpm * BEATS_PER_BAR
    late_s = (np.array(rhythm.downbeats_s) - pickup * 60 / tempo_bpm + bar_s / 2) % bar_s - bar_s / 2
    assert np.abs(late_s).max() < 0.07


def test_a_tempo_that_is_known_is_kept() -> None:
    rhythm = heard(*band(120.0, bars=6), tempo_bpm=60.0)
    assert rhythm is not None
    assert rhythm.tempo_bpm == 60.0
    assert np.diff(rhythm.downbeats_s) == pytest.approx(4.0, rel=0.05)


def test_silence_and_a_few_beats_have_no_rhythm() -> None:
    silence = np.zeros(3 * SAMPLE_RATE_HZ, np.float32)
    assert estimate_rhythm(silence, np.zeros((12, 1 + len(silence) // HOP), np.float32), silence) is None
    few = band(60.0, bars=1)
    assert heard(*few) is None

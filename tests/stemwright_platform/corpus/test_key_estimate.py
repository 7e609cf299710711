import librosa
import numpy as np
import pytest

from stemwright.metrics.keys import TONICS
from stemwright_platform.corpus.key_estimate import estimate_key
from stemwright_platform.corpus.rhythm_estimate import SAMPLE_RATE_HZ

CADENCE = {
    "major": ((0, 4, 7), (5, 9, 12), (7, 11, 14), (0, 4, 7)),
    "minor": ((0, 3, 7), (5, 8, 12), (7, 11, 14), (0, 3, 7)),
}


def played(mode: str, tonic: int, chord_s: float = 1.0) -> np.ndarray:
    """A cadence of tones with a few harmonics."""
    time = np.arange(round(chord_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    chords = [
        sum(
            np.sin(2 * np.pi * 440 * 2 ** ((tonic + note - 21) / 12) * harmonic * time) / harmonic**2
            for note in chord
            for harmonic in (1, 2, 3)
        )
        for chord in CADENCE[mode]
    ]
    return 0.1 * np.concatenate(chords).astype(np.float32)


@pytest.mark.parametrize("mode", ["major", "minor"])
@pytest.mark.parametrize("tonic", [0, 3, 7, 10])
def test_a_cadence_is_heard_in_its_key(mode: str, tonic: int) -> None:
    chroma = librosa.feature.chroma_cqt(y=played(mode, tonic), sr=SAMPLE_RATE_HZ)
    assert estimate_key(chroma) == f"{TONICS[mode][tonic]} {mode}"


def test_transposed_pitches_give_the_transposed_key() -> None:
    chroma = np.random.default_rng(4).random((12, 50)).astype(np.float32) * 0.2
    chroma[[0, 2, 4, 5, 7, 9, 11]] += 0.5
    chroma[[0, 7]] += 0.5
    keys = [estimate_key(np.roll(chroma, step, axis=0)) for step in range(12)]
    assert keys == [f"{tonic} major" for tonic in TONICS["major"]]


def test_silence_and_all_pitches_at_once_have_no_key() -> None:
    assert estimate_key(np.zeros((12, 20), np.float32)) is None
    assert estimate_key(np.ones((12, 20), np.float32)) is None
    spread = np.tile(np.array([1, 0.4, 0.5, 0.9, 0.2, 0.3, 1, 0.1, 0.8, 0.4, 0.3, 0.6])[:, None], (1, 20))
    assert estimate_key(spread.astype(np.float32)) is None

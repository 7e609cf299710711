"""Tempo, beats and bars of a stem whose tempo does not change, as loops and exports have it.

A comb over the whole stem is more exact than a beat tracker that follows beat by beat, which a tempo that
wavers needs (`corpus/rhythm_estimate.py`). Axes: n samples, T frames of the analysis, P tempos, M beats.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import librosa
import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 22_050
HOP = 256
HARMONICS = (1, 2, 3, 4)
"""Strokes come on beats, on halves of them, on triplets and on quarters."""
OCTAVES = 0.5
"""Standard deviation of what tempo is expected, in octaves around the composition's."""
STEP, FINE_STEP, FINE = 0.002, 0.0001, 30
"""Relative steps between tempos that are tried, and how many finer ones to each side of the best."""
PHASES = np.arange(128) / 128
EARLY_S = 0.012
"""Strokes of stems are heard this much too early, for a frame of the analysis reaches ahead."""
SHORTEST_S = 2.0
"""Less tells nothing, and less than a bar no more."""
LOW_HZ = 150.0
LOW_BANDS = 8
CHANGE_BEATS = 2
"""Harmony is compared over this many beats before and after a beat."""
REACH_FRAMES = 3

Audio = NDArray[np.float32]
Strength = NDArray[np.floating]


@dataclass(frozen=True, kw_only=True, slots=True)
class Pulse:
    """What was heard."""

    tempo_bpm: float
    beat_s: float
    """Where a beat falls."""
    bar_s: float
    """Where a bar begins, as far as that can be heard in one stem."""


def steady_pulse(audio: Audio, *, about_bpm: float, beats_per_bar: int, is_drums: bool) -> Pulse | None:
    """Of mono audio `[n]` at SAMPLE_RATE_HZ; None where no beat can be heard."""
    if len(audio) < SHORTEST_S * SAMPLE_RATE_HZ:
        return None
    strokes = _strokes(audio)
    if not strokes.any():
        return None
    tempo_bpm, beat_s = _comb(strokes - strokes.mean(), about_bpm)
    beats_s = np.arange(beat_s, len(audio) / SAMPLE_RATE_HZ, 60 / tempo_bpm)
    if len(beats_s) < beats_per_bar:
        return None
    frames = (beats_s * SAMPLE_RATE_HZ / HOP).astype(int)
    if is_drums:  # the kick drum, for a snare or a cymbal may be anywhere
        evidence = _near(_low_strokes(audio), frames)
    else:
        evidence = _standardised(_harmonic_change(audio, frames)) + _standardised(_near(strokes, frames))
    first = int(np.argmax([evidence[beat::beats_per_bar].mean() for beat in range(beats_per_bar)]))
    return Pulse(tempo_bpm=tempo_bpm, beat_s=beat_s + EARLY_S, bar_s=float(beats_s[first]) + EARLY_S)


def _comb(strokes: Strength, about_bpm: float) -> tuple[float, float]:
    """Tempo and a beat's time of the comb that meets most of the strokes `[T]`."""
    wide = about_bpm * np.exp(np.arange(-np.log(2), np.log(2), STEP))
    expected = np.exp(-0.5 * (np.log2(wide / about_bpm) / OCTAVES) ** 2)
    best = wide[np.argmax(_met(strokes, wide).max(axis=1) * expected)]
    fine = best * (1 + FINE_STEP * np.arange(-FINE, FINE + 1))
    met = _met(strokes, fine)
    tempo, phase = np.unravel_index(met.argmax(), met.shape)
    return float(fine[tempo]), float(PHASES[phase] * 60 / fine[tempo])


def _met(strokes: Strength, tempos_bpm: NDArray[np.float64]) -> NDArray[np.float64]:
    """`[P, phases]`: what combs of these tempos meet, from the strokes' spectrum at their harmonics."""
    time_s = np.arange(len(strokes)) * HOP / SAMPLE_RATE_HZ
    total = np.zeros((len(tempos_bpm), len(PHASES)))
    for harmonic in HARMONICS:
        turns = np.exp(-2j * np.pi * harmonic * np.outer(tempos_bpm / 60, time_s))
        total += np.real(np.outer(turns @ strokes, np.exp(2j * np.pi * harmonic * PHASES)))
    return total


def _strokes(audio: Audio) -> Strength:
    """Onset strength `[T]`."""
    return librosa.onset.onset_strength(y=audio, sr=SAMPLE_RATE_HZ, hop_length=HOP, center=False)


def _low_strokes(audio: Audio) -> Strength:
    """Of what lies below LOW_HZ alone."""
    bands = librosa.feature.melspectrogram(
        y=audio, sr=SAMPLE_RATE_HZ, hop_length=HOP, center=False, fmax=LOW_HZ, n_mels=LOW_BANDS
    )
    power_db = librosa.power_to_db(bands)
    return librosa.onset.onset_strength(S=power_db, sr=SAMPLE_RATE_HZ, hop_length=HOP, center=False)


def _near(strokes: Strength, frames: NDArray[np.int_]) -> Strength:
    """The strongest stroke around each beat `[M]`."""
    return np.array(
        [strokes[max(0, at - REACH_FRAMES) : at + REACH_FRAMES + 1].max(initial=0) for at in frames]
    )


def _harmonic_change(audio: Audio, frames: NDArray[np.int_]) -> NDArray[np.float64]:
    """`[M]`, 0 to 1: how much the notes around each beat differ before and after it."""
    # tuning left alone: looking for it costs as much again, and librosa's code for it crashed on a sine
    chroma = librosa.feature.chroma_stft(y=audio, sr=SAMPLE_RATE_HZ, n_fft=8192, hop_length=HOP, tuning=0.0)
    between = [chroma[:, start:end].mean(axis=1) for start, end in _spans(frames, chroma.shape[1])]
    change = np.zeros(len(frames))
    for beat in range(1, len(frames)):
        before = np.mean(between[max(0, beat - CHANGE_BEATS) : beat], axis=0)
        after = np.mean(between[beat : beat + CHANGE_BEATS], axis=0)
        size = np.linalg.norm(before) * np.linalg.norm(after)
        change[beat] = 1 - before @ after / size if size else 0.0
    return change


def _spans(frames: NDArray[np.int_], num_frames: int) -> list[tuple[int, int]]:
    """From each beat to the next, never empty."""
    ends: Sequence[int] = [*frames[1:], num_frames]
    starts = [min(int(start), num_frames - 1) for start in frames]
    return [(start, max(int(end), start + 1)) for start, end in zip(starts, ends, strict=True)]


def _standardised(values: Strength) -> Strength:
    return (values - values.mean()) / (values.std() + 1e-9)

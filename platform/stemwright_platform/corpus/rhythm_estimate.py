"""Tempo and bar lines of a recording, by librosa's beat tracker and a guess at which beat is the first.

Axes: n samples, T frames of the analysis, M beats.
"""

from dataclasses import dataclass

import librosa
import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 22_050
"""Of what is analysed: librosa's default, for which its settings were made."""
HOP = 512
"""Samples a frame of the analysis."""
BEATS_PER_BAR = 4
"""Assumed; no metre is estimated."""
MIN_BEATS = 8
"""Fewer are no rhythm."""
SPAN_BEATS = 16
"""The tempo is measured over this many beats, for single ones lie on a grid of 23 ms."""
CHANGE_BEATS = 2
"""Harmony is compared over this many beats before and after a beat."""
STROKE_WEIGHT = 0.5
"""What a bright stroke of the drums, a snare's, counts against a first beat."""
BRIGHT_HZ = 1500.0

_REACH_FRAMES = 2

Audio = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rhythm:
    """What was found."""

    tempo_bpm: float
    """Of the beats, in steps of a tenth; half or double of what a musician would say is a common fault."""
    downbeats_s: tuple[float, ...]
    """First beats of bars of four."""


def estimate_rhythm(
    mix: Audio, chroma: NDArray[np.float32], drums: Audio | None, tempo_bpm: float | None = None
) -> Rhythm | None:
    """Of a mix `[n]` at SAMPLE_RATE_HZ; None where there is no beat to follow.

    `chroma`: `[12, T]` of what has pitch, a frame every HOP samples. `drums`: `[n]`, where they are apart.
    `tempo_bpm`: the tempo, where it is known.
    """
    strength = _strokes(mix)
    _, beats = librosa.beat.beat_track(
        onset_envelope=strength, sr=SAMPLE_RATE_HZ, hop_length=HOP, bpm=tempo_bpm, trim=False
    )
    beats = np.asarray(beats, dtype=np.int64)
    if len(beats) < MIN_BEATS:
        return None
    times_s = librosa.frames_to_time(beats, sr=SAMPLE_RATE_HZ, hop_length=HOP)
    first = _first_beat(beats, chroma, None if drums is None else _strokes(drums, fmin=BRIGHT_HZ))
    return Rhythm(
        tempo_bpm=tempo_bpm or round(_tempo_bpm(times_s), 1),
        downbeats_s=tuple(round(float(time_s), 3) for time_s in times_s[first::BEATS_PER_BAR]),
    )


def _strokes(audio: Audio, fmin: float = 0.0) -> NDArray[np.float32]:
    """Onset strength `[T]`, in time with the audio: librosa's own centring shifts it by two frames."""
    return librosa.onset.onset_strength(y=audio, sr=SAMPLE_RATE_HZ, hop_length=HOP, center=False, fmin=fmin)


def _tempo_bpm(times_s: NDArray[np.float64]) -> float:
    span = min(SPAN_BEATS, len(times_s) - 1)
    return 60 * span / float(np.median(times_s[span:] - times_s[:-span]))


def _first_beat(
    beats: NDArray[np.int64], chroma: NDArray[np.float32], bright: NDArray[np.float32] | None
) -> int:
    """Which beat of four begins the bars: chords change there, and no snare is struck."""
    evidence = _standardised(_harmonic_change(beats, chroma))
    if bright is not None:
        struck = [bright[max(0, beat - _REACH_FRAMES) : beat + _REACH_FRAMES + 1].max() for beat in beats]
        evidence = evidence - STROKE_WEIGHT * _standardised(np.array(struck))
    return int(np.argmax([evidence[phase::BEATS_PER_BAR].mean() for phase in range(BEATS_PER_BAR)]))


def _harmonic_change(beats: NDArray[np.int64], chroma: NDArray[np.float32]) -> NDArray[np.float64]:
    """`[M]`, 0 to 1: how much the notes around each beat differ before and after it."""
    notes = librosa.util.sync(chroma, beats.tolist(), aggregate=np.median, pad=False)
    change = np.zeros(len(beats))
    for beat in range(1, notes.shape[1]):
        before = notes[:, max(0, beat - CHANGE_BEATS) : beat].mean(axis=1)
        after = notes[:, beat : beat + CHANGE_BEATS].mean(axis=1)
        size = np.linalg.norm(before) * np.linalg.norm(after)
        change[beat] = 1 - before @ after / size if size else 0.0
    return change


def _standardised(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return (values - values.mean()) / (values.std() + 1e-9)

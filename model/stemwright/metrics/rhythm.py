"""Where a signal's notes and strokes begin, and how fast its pulse is.

Axes: n audio sample, T frame of a hundredth of a second, W sample of a frame, F bin, M onset.
"""

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray
from torch import Tensor

from stemwright.metrics.feature import Arrays
from stemwright.metrics.frames import Frames, blocks, framed
from stemwright.metrics.pulse import FRAME_RATE_HZ, smoothed, tempo_bpm

BAND_EDGES_HZ = (30.0, 150.0, 400.0, 1000.0, 2500.0, 6000.0, 16000.0)
"""Onsets are looked for in each band by itself: a kick does not hide under a held chord."""
SILENT_RMS = 1e-4
"""−80 dB: a signal that is nowhere louder has no onsets."""
LEVEL_RMS = 0.1
"""What a signal is brought to where it sounds, so that its gain does not matter."""
EDGE_FRAMES = 4
"""At either end nothing is heard: an excerpt cut out of a note would begin and end with a stroke, in all its
tracks at once."""
LARGEST = 20.0
"""Strokes weigh less and less towards this: sound out of digital silence would outweigh all others."""
SMALLEST = 0.5
"""A weaker peak is no onset: notes have some 5 to 15."""

_WINDOW = 2048
_FLOOR = 1e-3
_PEAK_FRAMES = 4
_MEAN_FRAMES = 50
_PEAK_SHARE = 0.1


class Rhythm:
    """Onset strength, onsets and tempo; silence has zeros, no onset and tempo 0."""

    name = "rhythm"
    fingerprint = "rhythm-2"
    sample_rate_hz = 48_000

    def extract(self, audio: Tensor) -> Arrays:
        """`strength [T]` ≥ 0, 100 frames a second, `onsets_s [M]` ascending, `tempo_bpm [1]`."""
        strength = onset_strength(audio.mean(dim=0).numpy(), self.sample_rate_hz)
        return {
            "strength": strength,
            "onsets_s": onset_times(strength),
            "tempo_bpm": np.array([tempo_bpm(strength) or 0.0], np.float32),
        }


def onset_strength(audio: NDArray[np.float32], sample_rate_hz: int) -> NDArray[np.float32]:
    """`[T]`: how much louder the bands of audio `[n]` become, in the logarithm of their amplitude.

    Spectral flux against the frame 20 ms before; a maximum over neighbours in frequency hides vibrato
    (SuperFlux, Böck and Widmer 2013).
    """
    frames = framed(audio, _WINDOW, sample_rate_hz // FRAME_RATE_HZ)
    gain = _gain(frames)
    if gain == 0:
        return np.zeros(len(frames), np.float32)
    edges = np.searchsorted(np.fft.rfftfreq(_WINDOW, 1 / sample_rate_hz), BAND_EDGES_HZ)
    rises = [_rise(_levels(block, gain), edges) for block in blocks(frames, before=2)]
    # A rise from 10 ms before a frame to 10 ms after it is the frame's own.
    strength = np.concatenate([*rises, np.zeros(1)])[1:]
    strength[:EDGE_FRAMES] = strength[-EDGE_FRAMES:] = 0
    return (strength / (1 + strength / LARGEST)).astype(np.float32)


def _gain(frames: Frames) -> float:
    """What brings the frames that sound to `LEVEL_RMS`; 0 for silence."""
    power = np.concatenate([np.square(block).mean(axis=1) for block in blocks(frames[::4])])
    loudest = power.max()
    if loudest < SILENT_RMS**2:
        return 0.0
    return float(LEVEL_RMS / np.sqrt(power[power > 1e-4 * loudest].mean()))


def _levels(frames: Frames, gain: float) -> NDArray[np.float32]:
    """`[T, F]`: logarithms of amplitudes, 0 far below `_FLOOR`."""
    window = (np.hanning(_WINDOW) * gain * 4 / _WINDOW).astype(np.float32)
    return np.log1p(np.abs(np.fft.rfft(frames * window, axis=1)) / np.float32(_FLOOR)).astype(np.float32)


def _rise(levels: NDArray[np.float32], edges: NDArray[np.intp]) -> NDArray[np.float32]:
    """`[T − 2]`: what is gained over two frames, summed over bands; wide ones count less a bin."""
    before = scipy.ndimage.maximum_filter1d(levels[:-2], 3, axis=1)
    rise = np.maximum(levels[2:] - before, 0)
    return (np.add.reduceat(rise, edges, axis=1)[:, :-1] / np.sqrt(np.diff(edges))).sum(axis=1)


def onset_times(strength: NDArray[np.float32]) -> NDArray[np.float32]:
    """Seconds `[M]` of the peaks that stand out of their half second."""
    curve = smoothed(strength, 3)
    highest = scipy.ndimage.maximum_filter1d(curve, 2 * _PEAK_FRAMES + 1)
    mean = scipy.ndimage.uniform_filter1d(curve, 2 * _MEAN_FRAMES + 1, mode="nearest")
    rise = max(SMALLEST, _PEAK_SHARE * curve.max(initial=0))
    peaks = np.flatnonzero((curve == highest) & (curve > mean + rise))
    return (peaks / FRAME_RATE_HZ).astype(np.float32)

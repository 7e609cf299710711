"""Which pitch classes a signal holds, and when.

Axes: n audio sample, T frame of a tenth of a second, W sample of a frame, P semitone, C pitch class
from C up.
"""

from functools import lru_cache

import numpy as np
import scipy.signal
from numpy.typing import NDArray
from torch import Tensor

from stemwright.metrics.feature import Arrays
from stemwright.metrics.frames import Frames, blocks, framed

FRAME_RATE_HZ = 10
"""Frames a second."""
LOWEST_PITCH, HIGHEST_PITCH = 28, 95
"""MIDI numbers: E1, a bass's lowest string, to B6."""
SILENT = 1e-3
"""Amplitude of all pitches together below which a frame is silent."""
SILENT_SHARE = 3e-3
"""So it is below this share of the loudest frame's."""

_DECIMATION = 8
_WINDOW = 4096
_CYCLES = 24
"""Of a pitch that is measured: enough to part it from its neighbours."""
_LONGEST_S = 0.55
"""Low pitches get fewer cycles than that, or a bass line would blur."""
_THIRDS = 3
"""Bins a semitone: the loudest of them counts, so that an instrument may be out of tune."""


class Harmony:
    """Pitch classes over time; silence has zeros."""

    name = "harmony"
    fingerprint = "harmony-1"
    sample_rate_hz = 48_000

    def extract(self, audio: Tensor) -> Arrays:
        """`chroma [C, T]`, 10 frames a second, each of length 1 or, silent, 0; `level [T]`, amplitude."""
        bins = _thirds(audio, self.sample_rate_hz, FRAME_RATE_HZ)
        level = np.sqrt(np.square(bins).sum(axis=0))
        chroma = chroma_of(_loudest(bins))
        chroma[:, level < max(SILENT, SILENT_SHARE * level.max())] = 0
        return {"chroma": chroma, "level": level}


def semitones(audio: Tensor, sample_rate_hz: int, frame_rate_hz: int) -> NDArray[np.float32]:
    """Amplitude of each semitone of audio `[2, n]`, `[P, T]` from `LOWEST_PITCH` up."""
    return _loudest(_thirds(audio, sample_rate_hz, frame_rate_hz))


def chroma_of(pitches: NDArray[np.float32]) -> NDArray[np.float32]:
    """Amplitudes of semitones `[P, T]` as pitch classes `[C, T]`, each frame of length 1 where it has any.

    Only semitones louder than both their neighbours count: noise and the flanks of a tone are neighbours.
    """
    around = np.pad(pitches, ((1, 1), (0, 0)))
    peaks = np.where((pitches >= around[2:]) & (pitches >= around[:-2]), pitches, 0)
    chroma = np.zeros((12, pitches.shape[1]), np.float32)
    np.add.at(chroma, np.arange(LOWEST_PITCH, HIGHEST_PITCH + 1) % 12, peaks)
    size = np.linalg.norm(chroma, axis=0)
    chroma /= np.where(size > 0, size, 1)
    return chroma


def _thirds(audio: Tensor, sample_rate_hz: int, frame_rate_hz: int) -> NDArray[np.float32]:
    """`[3P, T]` of audio `[2, n]`."""
    rate_hz = sample_rate_hz // _DECIMATION
    low = scipy.signal.resample_poly(audio.mean(dim=0).numpy(), 1, _DECIMATION)
    frames = framed(low, _WINDOW, rate_hz // frame_rate_hz)
    return np.concatenate([_bins(block, rate_hz) for block in blocks(frames)], axis=1)


def _loudest(bins: NDArray[np.float32]) -> NDArray[np.float32]:
    """`[3P, T]` → `[P, T]`."""
    return bins.reshape(-1, _THIRDS, bins.shape[1]).max(axis=1)


def _bins(frames: Frames, rate_hz: int) -> NDArray[np.float32]:
    """`[3P, T]`: the amplitude of each third of a semitone."""
    real, imaginary = _waves(rate_hz)
    return np.hypot(frames @ real, frames @ imaginary).T


@lru_cache(maxsize=1)
def _waves(rate_hz: int) -> tuple[Frames, Frames]:
    """`[W, 3P]` twice: a cosine and a sine of each bin under a Hann window as long as its pitch needs.

    A constant-Q transform (Brown 1991), by plain products.
    """
    bins = np.arange((HIGHEST_PITCH - LOWEST_PITCH + 1) * _THIRDS)
    pitch = LOWEST_PITCH + (bins - _THIRDS // 2) / _THIRDS
    frequency_hz = 440 * 2 ** ((pitch - 69) / 12)
    size = np.minimum(_CYCLES / frequency_hz, _LONGEST_S) * rate_hz
    time = np.arange(_WINDOW)[:, None] - _WINDOW / 2
    window = np.where(np.abs(time) < size / 2, np.cos(np.pi * time / size) ** 2, 0)
    window *= 2 / window.sum(axis=0)
    phase = 2 * np.pi * frequency_hz * time / rate_hz
    return (window * np.cos(phase)).astype(np.float32), (window * np.sin(phase)).astype(np.float32)

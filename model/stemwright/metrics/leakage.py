"""Whether a given track's sound is heard in a generated one, and whether given tracks came back as they were.

Axes: n audio sample, F bin of the spectrum.
"""

from dataclasses import dataclass

import numpy as np
import scipy.fft
import scipy.ndimage
from numpy.typing import NDArray
from torch import Tensor

LOWEST_HZ, HIGHEST_HZ = 100.0, 10_000.0
"""Where leaks are looked for."""
REACH_S = 0.02
"""How much earlier or later than its source a leak may be."""
SILENT_RMS = 1e-4
"""Below, there is nothing to compare."""

_WHITENED_HZ = 20.0
_FLOOR = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class FlatSpectrum:
    """A signal's spectrum with every bin brought to the level of those around it."""

    bins: NDArray[np.complex64] | None
    """`[F]`, zero outside the bounds; None for silence."""
    num_samples: int
    """Of the signal."""
    sample_rate_hz: int

    @classmethod
    def of(cls, audio: Tensor, sample_rate_hz: int = 48_000) -> "FlatSpectrum":
        """Of a signal `[2, n]`."""
        signal = audio.mean(dim=0).numpy()
        if np.sqrt(np.square(signal).mean()) < SILENT_RMS:
            return cls(None, len(signal), sample_rate_hz)
        return cls(_whitened(signal, _padded(len(signal)), sample_rate_hz), len(signal), sample_rate_hz)


def leakage(target: Tensor, given: Tensor, sample_rate_hz: int = 48_000) -> float:
    """0…1: the highest correlation within ±20 ms of two signals `[2, n]` whose spectra were made flat.

    1 for the same signal; stems that merely play together have some 0.01, for their waves have no fixed
    phase. Flat spectra let quiet bands speak: a leak is found where the target itself leaves room
    (generalised cross-correlation with phase transform, Knapp and Carter 1976). Longer signals are cut
    to the shorter; NaN where one is silent.
    """
    size = min(target.shape[-1], given.shape[-1])
    return spectra_leakage(*(FlatSpectrum.of(audio[:, :size], sample_rate_hz) for audio in (target, given)))


def spectra_leakage(target: FlatSpectrum, given: FlatSpectrum) -> float:
    """`leakage` of two signals of one length and rate, from what can be worked out once for each."""
    assert (target.num_samples, target.sample_rate_hz) == (given.num_samples, given.sample_rate_hz)
    if target.bins is None or given.bins is None:
        return float("nan")
    length = _padded(target.num_samples)
    found = np.asarray(scipy.fft.irfft(target.bins * given.bins.conj(), length))
    reach = max(1, round(REACH_S * target.sample_rate_hz))
    near = np.abs(np.concatenate([found[:reach], found[-reach:]])).max()
    return float(near * length / (2 * np.linalg.norm(target.bins) * np.linalg.norm(given.bins)))


def _padded(num_samples: int) -> int:
    """A length that no lag wraps around in, and that transforms fast."""
    return int(scipy.fft.next_fast_len(2 * num_samples, real=True) or 0)


def _whitened(signal: NDArray[np.float32], length: int, sample_rate_hz: int) -> NDArray[np.complex64]:
    """`[F]`: the spectrum of a signal `[n]`, padded to `length`, each bin over the level around it."""
    spectrum = np.asarray(scipy.fft.rfft(signal, length))
    bin_hz = sample_rate_hz / length
    around = 2 * round(_WHITENED_HZ / 2 / bin_hz) + 1
    low, high = (round(edge / bin_hz) for edge in (LOWEST_HZ, HIGHEST_HZ))
    heard = spectrum[: high + 1]
    power = scipy.ndimage.uniform_filter1d(np.square(np.abs(heard)), around, mode="nearest")
    level = np.sqrt(np.maximum(power, 0))
    flat = np.zeros_like(spectrum)
    flat[low : high + 1] = (heard / (level + _FLOOR * level.max()))[low:]
    return flat


def given_unchanged(before: Tensor, after: Tensor) -> float:
    """The largest absolute difference of two signals `[2, n]`, 0 where a given track came back as it was.

    Infinite where their shapes differ.
    """
    if before.shape != after.shape:
        return float("inf")
    return float((before - after).abs().max())

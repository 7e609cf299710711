"""Whether a given track's sound is heard in a generated one, and whether given tracks came back as they were.

Axes: n audio sample, F bin of the spectrum.
"""

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


def leakage(target: Tensor, given: Tensor, sample_rate_hz: int = 48_000) -> float:
    """0…1: the highest correlation within ±20 ms of two signals `[2, n]` whose spectra were made flat.

    1 for the same signal; stems that merely play together have some 0.01, for their waves have no fixed
    phase. Flat spectra let quiet bands speak: a leak is found where the target itself leaves room
    (generalised cross-correlation with phase transform, Knapp and Carter 1976). Longer signals are cut
    to the shorter; NaN where one is silent.
    """
    size = min(target.shape[-1], given.shape[-1])
    signals = [audio[:, :size].mean(dim=0).numpy() for audio in (target, given)]
    if min(np.sqrt(np.square(signal).mean()) for signal in signals) < SILENT_RMS:
        return float("nan")
    length = int(scipy.fft.next_fast_len(2 * size, real=True))
    one, other = (_whitened(signal, length, sample_rate_hz) for signal in signals)
    found = np.fft.irfft(one * other.conj(), length)
    reach = max(1, round(REACH_S * sample_rate_hz))
    near = np.abs(np.concatenate([found[:reach], found[-reach:]])).max()
    return float(near * length / (2 * np.linalg.norm(one) * np.linalg.norm(other)))


def _whitened(signal: NDArray[np.float32], length: int, sample_rate_hz: int) -> NDArray[np.complex64]:
    """`[F]`: the spectrum of a signal `[n]`, padded to `length`, each bin over the level around it."""
    spectrum = np.fft.rfft(signal, length)
    bin_hz = sample_rate_hz / length
    around = 2 * round(_WHITENED_HZ / 2 / bin_hz) + 1
    power = scipy.ndimage.uniform_filter1d(np.square(np.abs(spectrum)), around, mode="nearest")
    level = np.sqrt(np.maximum(power, 0))
    flat = spectrum / (level + _FLOOR * level.max())
    frequency_hz = np.arange(len(flat)) * bin_hz
    flat[(frequency_hz < LOWEST_HZ) | (frequency_hz > HIGHEST_HZ)] = 0
    return flat


def given_unchanged(before: Tensor, after: Tensor) -> float:
    """The largest absolute difference of two signals `[2, n]`, 0 where a given track came back as it was.

    Infinite where their shapes differ.
    """
    if before.shape != after.shape:
        return float("inf")
    return float((before - after).abs().max())

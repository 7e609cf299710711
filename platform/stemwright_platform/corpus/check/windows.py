"""Spectra of a song's signals in windows of one duration, whatever their rate: the same bins for all.

A window lasts 16 s, so bins are 1/16 Hz apart at every rate, and the bins below 4 kHz are, turned back,
the signal at 8 kHz; windows overlap by a second on each side, where turning back rings.
"""

import numpy as np
from numpy.typing import NDArray

WINDOW_S, MARGIN_S = 16, 1
HOP_S = WINDOW_S - 2 * MARGIN_S
LOW_RATE_HZ = 8000
NUM_BINS = LOW_RATE_HZ * WINDOW_S // 2

Spectrum = NDArray[np.complex64]
Samples = NDArray[np.float32]


class Windows:
    """One signal's windows, made as its samples arrive."""

    def __init__(self, sample_rate_hz: int) -> None:
        self._rate_hz = sample_rate_hz
        self._kept = np.zeros(MARGIN_S * sample_rate_hz, np.float32)

    @property
    def wanted(self) -> int:
        """How many samples the next `spectrum` takes; with fewer the signal has ended."""
        return WINDOW_S * self._rate_hz - len(self._kept)

    def spectrum(self, samples: NDArray[np.floating]) -> Spectrum:
        """The next window with these new samples `[n]` at its end; `[NUM_BINS]` from 0 Hz to 4 kHz."""
        window = np.zeros(WINDOW_S * self._rate_hz, np.float32)
        window[: len(self._kept)] = self._kept
        window[len(self._kept) : len(self._kept) + len(samples)] = samples
        self._kept = window[HOP_S * self._rate_hz :].copy()
        spectrum = np.fft.rfft(window)[:NUM_BINS].astype(np.complex64, copy=False)
        return spectrum * np.float32(LOW_RATE_HZ / self._rate_hz)


def at_low_rate(spectrum: Spectrum) -> Samples:
    """The window at 8 kHz, `[2 · NUM_BINS]`; good but for its margins."""
    return np.fft.irfft(np.append(spectrum, np.complex64(0)), 2 * NUM_BINS).astype(np.float32, copy=False)

"""A song's fingerprint: triples of spectral peaks, hashed (after A. Wang, "An industrial-strength audio
search algorithm", 2003).

Gain leaves the peaks where they are, a lossy codec most of them, another lead-in moves all of them alike.
Of a song's hashes those are kept that are smallest: copies keep the same ones.

Axes: F frequency bin, T hop.
"""

from itertools import combinations

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from stemwright_platform.corpus.check.windows import LOW_RATE_HZ, MARGIN_S, WINDOW_S, Spectrum, at_low_rate

HOP, FRAME = 256, 1024
HOPS_PER_S = LOW_RATE_HZ / HOP
KEPT_PER_S, KEPT_AT_LEAST = 1, 300
PEAKS_PER_S = 24
FAN_OUT = 5
"""Later peaks, two of which go with one."""
MAX_HOPS_APART, MAX_BINS_APART = 31, 63
_NEIGHBOURS = (13, 7)
"""Bins and hops among which a peak is the highest."""
_DEPTH_DB = 60.0
"""Peaks this far below the window's highest are noise."""


class Fingerprint:
    """Landmarks of a song, gathered window by window."""

    def __init__(self, duration_s: float) -> None:
        """Of the song: it decides how many are kept."""
        self._most = max(KEPT_AT_LEAST, round(KEPT_PER_S * duration_s))
        self._found = np.zeros((2, 0), np.uint32)

    def add(self, spectrum: Spectrum, start_s: float) -> None:
        """The next window, which begins at a time of the song."""
        levels = _levels(at_low_rate(spectrum))
        if levels is None:
            return
        bins, hops = _peaks(levels)
        first = MARGIN_S * HOPS_PER_S
        hashes, anchors = _triples(bins, hops)
        inside = (anchors >= first) & (anchors < WINDOW_S * HOPS_PER_S - first)
        new = np.stack([hashes[inside], (anchors[inside] + round(start_s * HOPS_PER_S)).astype(np.uint32)])
        found = np.concatenate([self._found, new], axis=1)
        self._found = found[:, np.argsort(found[0], kind="stable")[: self._most]]

    def landmarks(self) -> NDArray[np.uint32]:
        """Hashes and when each occurs, in hops of 32 ms, `[2, L]`."""
        return self._found


def _levels(samples: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """Level in dB, `[F, T]`; None for silence."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, FRAME)[::HOP]
    power = np.square(np.abs(np.fft.rfft(frames * np.hanning(FRAME), axis=1))).astype(np.float32).T
    loudest = power.max()
    if loudest <= 1e-9:
        return None
    return 10 * np.log10(power / loudest + 1e-9)


def _peaks(levels: NDArray[np.float32]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Bins and hops of the strongest local maxima, in order of time."""
    highest = scipy.ndimage.maximum_filter(levels, _NEIGHBOURS, mode="constant", cval=-200.0)
    bins, hops = np.nonzero((levels == highest) & (levels > -_DEPTH_DB))
    strongest = np.argsort(-levels[bins, hops], kind="stable")[: PEAKS_PER_S * WINDOW_S]
    order = strongest[np.lexsort((bins[strongest], hops[strongest]))]
    return bins[order], hops[order]


def _triples(bins: NDArray[np.intp], hops: NDArray[np.intp]) -> tuple[NDArray[np.uint32], NDArray[np.intp]]:
    """Hashes of each peak with two of the next few, and the hop of the first."""
    later = _next_peaks(bins, hops)
    hashes, anchors = [], []
    for second, third in combinations(range(FAN_OUT), 2):
        first = np.flatnonzero(later[:, third] >= 0)
        code = bins[first].astype(np.uint64)
        for other in (later[first, second], later[first, third]):
            code = code << np.uint64(7) | (bins[other] - bins[first] + MAX_BINS_APART).astype(np.uint64)
            code = code << np.uint64(5) | (hops[other] - hops[first]).astype(np.uint64)
        hashes.append(_scrambled(code))
        anchors.append(hops[first])
    return np.concatenate(hashes), np.concatenate(anchors)


def _next_peaks(bins: NDArray[np.intp], hops: NDArray[np.intp]) -> NDArray[np.intp]:
    """Places of the first FAN_OUT peaks after and near each, `[peaks, FAN_OUT]`; -1 where there are fewer."""
    later = np.full((len(bins), FAN_OUT), -1)
    found = np.zeros(len(bins), dtype=int)
    for step in range(1, min(len(bins), 4 * FAN_OUT)):
        apart, up = hops[step:] - hops[:-step], np.abs(bins[step:] - bins[:-step])
        near = (apart >= 2) & (apart <= MAX_HOPS_APART) & (up <= MAX_BINS_APART) & (found[:-step] < FAN_OUT)
        place = np.flatnonzero(near)
        later[place, found[place]] = place + step
        found[place] += 1
    return later


def _scrambled(codes: NDArray[np.uint64]) -> NDArray[np.uint32]:
    """The upper half of a fixed permutation of 64-bit numbers without pattern (MurmurHash3's finaliser)."""
    mixed = (codes ^ (codes >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    mixed = (mixed ^ (mixed >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return (mixed >> np.uint64(32)).astype(np.uint32)

"""Where in the mix each stem is heard, from spectra averaged over the song.

Of the mix, the other stems are taken away under the gains at which they fit best; what is left should be
the stem itself. Its lag is the peak of their cross-correlation, with weights that flatten the spectrum, so
that a held tone does not answer at each of its periods.

Axes: f frequency bin.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray

from stemwright_platform.corpus.check.measurement import MIX, Offset
from stemwright_platform.corpus.check.windows import LOW_RATE_HZ, NUM_BINS, Spectrum

MAX_LAG_S = 6.0
NEAR_ZERO_S = 0.0004
"""Filters of a mixing desk delay by this much."""
FLATNESS = 0.7
"""Power of the weights: 0 plain correlation, 1 the phase alone."""
_FLOOR = 1e-9
"""Of a signal's mean power: bins below it are rounding."""


class CrossSpectra:
    """Sums over windows of the products of each two signals' spectra; its size does not grow."""

    def __init__(self, names: Sequence[str]) -> None:
        """The tracks, and MIX."""
        self._names = list(names)
        pairs = combinations_with_replacement(range(len(names)), 2)
        self._sums = {pair: np.zeros(NUM_BINS, np.complex64) for pair in pairs}

    def add(self, spectra: Mapping[str, Spectrum]) -> None:
        """The next window of every signal."""
        for (i, j), total in self._sums.items():
            total += np.conj(spectra[self._names[i]]) * spectra[self._names[j]]

    def offsets(self) -> tuple[Offset, ...]:
        """Of each track that sounds, against the mix."""
        mix = self._names.index(MIX)
        sounding = [i for i in range(len(self._names)) if i != mix and self._power(i).sum() > 0]
        if not sounding or not self._power(mix).sum():
            return ()
        gains = self._gains(sounding, mix)
        return tuple(self._offset(i, mix, {j: gains[j] for j in sounding if j != i}) for i in sounding)

    def _product(self, i: int, j: int) -> Spectrum:
        return self._sums[i, j] if i <= j else np.conj(self._sums[j, i])

    def _power(self, i: int) -> NDArray[np.float32]:
        return self._sums[i, i].real

    def _gains(self, tracks: Sequence[int], mix: int) -> dict[int, float]:
        """At which the tracks fit the mix best, each where it lies."""
        products = np.array([[float(self._product(i, j).real.sum()) for j in tracks] for i in tracks])
        with_mix = np.array([float(self._product(i, mix).real.sum()) for i in tracks])
        gains = np.linalg.lstsq(products, with_mix, rcond=1e-6)[0]
        return dict(zip(tracks, gains.tolist(), strict=True))

    def _offset(self, track: int, mix: int, others: Mapping[int, float]) -> Offset:
        product = self._product(track, mix).copy()
        left = self._power(mix).copy()
        for other, gain in others.items():
            product -= gain * self._product(track, other)
            left -= 2 * gain * self._product(other, mix).real
            for second, second_gain in others.items():
                left += gain * second_gain * self._product(other, second).real
        return _peak(self._names[track], product, self._power(track), np.maximum(left, 0))


def _peak(
    name: str, product: Spectrum, stem_power: NDArray[np.float32], left_power: NDArray[np.float32]
) -> Offset:
    expected = np.sqrt(_floored(stem_power) * _floored(left_power))
    weights = expected**-FLATNESS
    scale = (weights * expected).sum() / NUM_BINS
    lags = np.fft.irfft(np.append(product * weights, 0), 2 * NUM_BINS) / scale
    reach = round(MAX_LAG_S * LOW_RATE_HZ)
    lags = np.concatenate([lags[-reach:], lags[: reach + 1]])  # from −reach to +reach
    near = round(NEAR_ZERO_S * LOW_RATE_HZ)
    about_zero = lags[reach - near : reach + near + 1]
    best = int(np.argmax(np.abs(lags)))
    return Offset(
        track=name,
        late_s=(reach - best) / LOW_RATE_HZ,
        likeness=float(abs(lags[best])),
        likeness_at_zero=float(about_zero[np.argmax(np.abs(about_zero))]),
    )


def _floored(power: NDArray[np.float32]) -> NDArray[np.float32]:
    return power + np.float32(_FLOOR * power.mean() + 1e-20)

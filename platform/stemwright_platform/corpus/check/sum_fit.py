"""How far the stems add up to the mix, over the whole band and both channels, in one pass."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

SAME = 0.9999
"""Correlation from which on two tracks count as one."""
FLOOR_DB = -80.0


class SumFit:
    """Sums of products of each two signals, of which least squares need no more."""

    def __init__(self, names: Sequence[str]) -> None:
        """The tracks, and last the mix where there is one."""
        self._names = list(names)
        self._products = np.zeros((len(names), len(names)))

    def add(self, blocks: Mapping[str, NDArray[np.float32]]) -> None:
        """The next samples of every signal, `[2, n]` each, of one length."""
        rows = np.stack([blocks[name].reshape(-1) for name in self._names])
        self._products += rows @ rows.T

    def doubled(self, tracks: Sequence[str]) -> tuple[tuple[str, str], ...]:
        """Pairs among the tracks that hold the same audio, at whatever level."""
        places = [self._names.index(name) for name in tracks]
        power = np.diag(self._products)
        return tuple(
            (self._names[i], self._names[j])
            for place, i in enumerate(places)
            for j in places[place + 1 :]
            if power[i] > 0 and power[j] > 0 and self._products[i, j] ** 2 > SAME**2 * power[i] * power[j]
        )

    def residuals(self, mix: str) -> tuple[float, float, dict[str, float]]:
        """Residual under one gain, residual under a gain each, and those gains over their median.

        Residuals in dB relative to the mix, at least FLOOR_DB; 0 where the mix or the sum is silent.
        """
        last = self._names.index(mix)
        rows = [i for i in range(len(self._names)) if i != last and self._products[i, i] > 0]
        inner, with_mix = self._products[np.ix_(rows, rows)], self._products[rows, last]
        mix_power = self._products[last, last]
        if not rows or mix_power <= 0 or inner.sum() <= 0:
            return 0.0, 0.0, {}
        gain = with_mix.sum() / inner.sum()
        free = np.linalg.lstsq(inner, with_mix, rcond=1e-9)[0]
        one = mix_power - gain * with_mix.sum()
        each = mix_power - float(free @ with_mix)
        usual = float(np.median(free)) or 1.0
        gains = {self._names[row]: float(value / usual) for row, value in zip(rows, free, strict=True)}
        return _decibels(one / mix_power), _decibels(each / mix_power), gains


def _decibels(share: float) -> float:
    return max(FLOOR_DB, 10 * math.log10(max(share, 1e-12)))

"""How sure a mean is: bootstrap intervals."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

LEVEL = 0.95
DRAWS = 2000
_AT_ONCE = 1 << 20  # drawn values in memory


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """A figure and the interval around it."""

    value: float
    low: float
    high: float
    n: int
    """What it was measured on: clips, votes or raters."""


NOTHING = Interval(value=math.nan, low=math.nan, high=math.nan, n=0)


def bootstrap_interval(
    values: Sequence[float] | ArrayLike, *, level: float = LEVEL, draws: int = DRAWS, seed: int = 0
) -> Interval:
    """The mean of values `[n]` and its bootstrap interval.

    NaNs are left out. Nothing left gives NaN with n = 0; of a single value no interval is known: its bounds
    are NaN. Equal values give an interval of no width. The same values and seed give the same interval.
    """
    heard = finite_values(values)
    if heard.size == 0:
        return NOTHING
    means = _drawn_means(heard, draws, np.random.default_rng(seed))
    return drawn_interval(float(heard.mean()), means, heard.size, level=level)


def drawn_interval(value: float, drawn: NDArray[np.float64], n: int, *, level: float = LEVEL) -> Interval:
    """The interval of a figure whose bootstrap draws `[draws]` are known, from n independent things.

    The percentile interval, widened as Student's t is wider than the normal and as n is to n - 1 (Hesterberg
    2015, "expanded percentile"): plain percentiles of few values are too narrow. Bounds are NaN where n < 2.
    """
    if n < 2:
        return Interval(value=value, low=math.nan, high=math.nan, n=n)
    tail = stats.norm.cdf(math.sqrt(n / (n - 1)) * stats.t.ppf((1 - level) / 2, n - 1))
    low, high = np.nanquantile(drawn, [tail, 1 - tail])
    return Interval(value=value, low=float(low), high=float(high), n=n)


def finite_values(values: Sequence[float] | ArrayLike) -> NDArray[np.float64]:
    """The same `[n]` without NaNs. ValueError for another shape."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"values must be [n], got {list(array.shape)}")
    return array[~np.isnan(array)]


def _drawn_means(
    values: NDArray[np.float64], draws: int, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Means `[draws]` of n values drawn with replacement, a block of draws at a time."""
    at_once = max(1, _AT_ONCE // values.size)
    blocks = [
        values[generator.integers(values.size, size=(min(at_once, draws - start), values.size))].mean(axis=1)
        for start in range(0, draws, at_once)
    ]
    return np.concatenate(blocks)

"""How sure a mean is: bootstrap intervals."""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

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
    values: Sequence[float] | ArrayLike,
    *,
    clusters: Sequence[Hashable] | None = None,
    level: float = LEVEL,
    draws: int = DRAWS,
    seed: int = 0,
) -> Interval:
    """The mean of values `[n]` and its bootstrap interval.

    `clusters`: `[n]`, to what each value belongs, as a clip to its song: what belongs together is alike, and
    drawn together. NaNs are left out. Nothing left gives NaN with n = 0; of a single value, or cluster, no
    interval is known: its bounds are NaN. Equal values give an interval of no width. The same values and seed
    give the same interval.
    """
    heard = finite_values(values)
    if heard.size == 0:
        return NOTHING
    sums, counts = cluster_sums(values, clusters)
    means = _drawn_means(sums, counts, draws, np.random.default_rng(seed))
    return replace(drawn_interval(float(heard.mean()), means, sums.size, level=level), n=heard.size)


def cluster_sums(
    values: Sequence[float] | ArrayLike, clusters: Sequence[Hashable] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum and number of the values `[n]` of each cluster, both `[M]`, NaNs left out; each value one's own
    where there are no clusters. ValueError where the lengths differ."""
    array = np.asarray(values, dtype=np.float64)
    known = ~np.isnan(array)
    if clusters is None:
        return array[known], np.ones(int(known.sum()))
    if len(clusters) != array.size:
        raise ValueError(f"{array.size} values have {len(clusters)} clusters")
    names = {name: number for number, name in enumerate(dict.fromkeys(clusters))}
    owner = np.array([names[name] for name in clusters])[known]
    counts = np.bincount(owner, minlength=len(names))
    sums = np.bincount(owner, weights=array[known], minlength=len(names))
    return np.asarray(sums[counts > 0], np.float64), counts[counts > 0].astype(np.float64)


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
    sums: NDArray[np.float64], counts: NDArray[np.float64], draws: int, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Means `[draws]` of as many clusters as there are, drawn with replacement, a block at a time."""
    at_once = max(1, _AT_ONCE // sums.size)
    blocks = []
    for start in range(0, draws, at_once):
        drawn = generator.integers(sums.size, size=(min(at_once, draws - start), sums.size))
        blocks.append(sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1))
    return np.concatenate(blocks)

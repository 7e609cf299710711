"""Whether a score tells true from shuffled: what a score must pass before it is trusted."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from stemwright.metrics.interval import finite_values


@dataclass(frozen=True, kw_only=True, slots=True)
class Separation:
    """How far the true lie above the shuffled."""

    auc: float
    """Chance that a true value is above a shuffled one, ties counted half: 0.5 says nothing, 1 all."""
    p_value: float
    """One-sided, Mann and Whitney's: that true values are not higher."""
    effect_size: float
    """Cohen's d: difference of the means in pooled standard deviations."""
    n: int
    """Values of the smaller side."""


def separate(true: Sequence[float] | ArrayLike, shuffled: Sequence[float] | ArrayLike) -> Separation:
    """How well values `[n]` of true things lie above values `[m]` of shuffled ones.

    NaNs are left out; a side without values gives NaN. Where lower is better, give the negative of both.
    """
    high, low = finite_values(true), finite_values(shuffled)
    n = min(high.size, low.size)
    if n == 0:
        return Separation(auc=math.nan, p_value=math.nan, effect_size=math.nan, n=0)
    result = stats.mannwhitneyu(high, low, alternative="greater")
    return Separation(
        auc=float(result.statistic) / (high.size * low.size),
        p_value=float(result.pvalue),
        effect_size=_cohens_d(high, low),
        n=n,
    )


def _cohens_d(high: NDArray[np.float64], low: NDArray[np.float64]) -> float:
    """NaN where there are too few values for a spread, ±inf where they differ and have none."""
    freedom = high.size + low.size - 2
    if freedom == 0:
        return math.nan
    gap = float(high.mean() - low.mean())
    squares = float(((high - high.mean()) ** 2).sum() + ((low - low.mean()) ** 2).sum())
    spread = math.sqrt(squares / freedom)
    if spread == 0:
        return math.copysign(math.inf, gap) if gap else 0.0
    return gap / spread

"""Two systems on the same clips: how much better, and whether chance would do as well."""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from stemwright.metrics.interval import bootstrap_interval, cluster_sums

PairedTest = Literal["permutation", "wilcoxon"]
DRAWS = 20_000
MOST_EXACT = 14
"""Up to this many pairs all sign flips are tried."""
_AT_ONCE = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """What two systems differ by on the same clips."""

    difference: float
    """Mean of a - b."""
    low: float
    """95 % bootstrap interval over clips."""
    high: float
    p_value: float
    """Two-sided."""
    n: int
    """Pairs compared."""
    test: str
    """"permutation" or "wilcoxon"."""


def compare_paired(
    a: Sequence[float] | ArrayLike,
    b: Sequence[float] | ArrayLike,
    *,
    clusters: Sequence[Hashable] | None = None,
    test: PairedTest = "permutation",
    seed: int = 0,
) -> Comparison:
    """Compare scores `[n]` of two systems, the same clip at the same place.

    `clusters`: `[n]`, to what each pair belongs, as a clip to its song; what belongs together is drawn, and
    has its sign flipped, together.

    Pairs with a NaN are left out; no pair gives NaN, only equal pairs a p-value of 1. The permutation test
    flips signs of differences (all flips up to 14 pairs, else 20,000 of them): its question is whether the
    means differ. Wilcoxon's (Pratt's way with zeros) asks for ranks. ValueError where the lengths differ.
    """
    left, right = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if left.shape != right.shape or left.ndim != 1:
        raise ValueError(f"scores to compare must be of the same [n], got {left.shape} and {right.shape}")
    differences = left - right
    interval = bootstrap_interval(differences, clusters=clusters, seed=seed)
    sums, counts = cluster_sums(differences, clusters)
    return Comparison(
        difference=interval.value,
        low=interval.low,
        high=interval.high,
        p_value=_p_value(sums if test == "permutation" else sums / counts, test, seed),
        n=interval.n,
        test=test,
    )


def stars(p_value: float) -> str:
    """The paper's marks (Table 1): "**" below 0.01, "*" below 0.05, else ""."""
    return "**" if p_value < 0.01 else "*" if p_value < 0.05 else ""


def _p_value(differences: NDArray[np.float64], test: PairedTest, seed: int) -> float:
    if differences.size == 0:
        return math.nan
    if not differences.any():
        return 1.0
    if test == "permutation":
        return _sign_flip_p(differences, seed)
    exact = differences.size <= 50 and np.unique(np.abs(differences)).size == differences.size
    method = "exact" if exact and differences.all() else "asymptotic"
    result: Any = stats.wilcoxon(differences, zero_method="pratt", method=method)
    return float(result.pvalue)


def _sign_flip_p(differences: NDArray[np.float64], seed: int) -> float:
    """Share of sign flips whose mean is at least as far from 0; drawn flips count the one seen, too."""
    n = differences.size
    least = abs(differences.sum()) - 1e-12 * np.abs(differences).sum()  # sums of the same flips round apart
    if n <= MOST_EXACT:
        signs = 1 - 2 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
        return float((np.abs(signs @ differences) >= least).mean())
    generator = np.random.default_rng(seed)
    at_once = max(1, _AT_ONCE // n)
    as_far = 0
    for start in range(0, DRAWS, at_once):
        signs = 1 - 2 * generator.integers(2, size=(min(at_once, DRAWS - start), n), dtype=np.int8)
        as_far += int((np.abs(signs @ differences) >= least).sum())
    return (as_far + 1) / (DRAWS + 1)

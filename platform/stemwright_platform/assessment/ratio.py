"""How often something holds of takes, over how often it holds of real stems.

Axes: W draw of the bootstrap.
"""

from collections.abc import Hashable, Sequence
from dataclasses import replace

import numpy as np

from stemwright.metrics.interval import DRAWS, NOTHING, Interval, cluster_sums, drawn_interval


def ratio_of_means(
    made: Sequence[float], real: Sequence[float], clusters: Sequence[Hashable], *, seed: int = 0
) -> Interval:
    """Mean of `made` over mean of `real`, value by value about the same thing, with its bootstrap interval.

    `clusters`: to what each belongs, as a clip to its song; drawn together. NaN where the real mean is 0, or
    nothing was measured. ValueError where lengths differ.
    """
    if len(made) != len(real):
        raise ValueError(f"{len(made)} values of takes against {len(real)} of real stems")
    if not len(real) or not sum(real):
        return replace(NOTHING, n=len(made))
    over, counts = cluster_sums(made, clusters)
    under, _ = cluster_sums(real, clusters)
    rng = np.random.default_rng(seed)
    drawn = rng.integers(len(counts), size=(DRAWS, len(counts)))
    bottom = under[drawn].sum(1)
    draws = np.divide(over[drawn].sum(1), bottom, where=bottom > 0, out=np.full(DRAWS, np.nan))
    found = drawn_interval(float(over.sum() / under.sum()), draws, len(counts))
    return replace(found, n=len(made))

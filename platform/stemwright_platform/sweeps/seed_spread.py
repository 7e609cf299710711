"""How much takes of the same clip differ: what strong guidance costs first.

Axes: B take, K track, D latent channel, S latent frame.
"""

import math

from torch import Tensor


def seed_spread(takes: Tensor) -> float:
    """Deviation of takes `[B, …]` around their mean, pooled over all elements; NaN for a single take."""
    if len(takes) < 2:
        return math.nan
    return float(takes.double().var(0, correction=1).mean().sqrt())

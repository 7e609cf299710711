"""Which of several data sets a sample comes from, in exact shares, as a pure function of its number.

Samples come in blocks. Every block holds a fixed quota of each set, in an order of its own, so the n-th
sample of a set lies where arithmetic says, and no state has to be kept.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from stemwright.errors import InputError

LEAST_BLOCK = 1000
"""Samples in a block at least: in a short block a sample would betray the set of the next."""
LEAST_WEIGHT, GREATEST_WEIGHT = 0.001, 100.0
SHARES = 4  # the random stream of a seed that blocks are ordered by


@dataclass(frozen=True, slots=True)
class Shares:
    """Parts of an endless row of samples."""

    quotas: tuple[int, ...]
    """Samples of each part in a block."""

    @classmethod
    def of(cls, weights: Sequence[float]) -> "Shares":
        """Shares in proportion to weights, which count in thousandths. InputError for one out of range."""
        for weight in weights:
            if not LEAST_WEIGHT <= weight <= GREATEST_WEIGHT:
                raise InputError(
                    f"the weight must lie between {LEAST_WEIGHT} and {GREATEST_WEIGHT:g}, got {weight:g}"
                )
        counts = [round(1000 * weight) for weight in weights]
        divisor = math.gcd(*counts)
        quotas = [count // divisor for count in counts]
        repeats = 1 if len(quotas) == 1 else -(-LEAST_BLOCK // sum(quotas))
        return cls(tuple(quota * repeats for quota in quotas))

    def place(self, seed: int, number: int) -> tuple[int, int]:
        """The part that sample `number` comes from, and its own number there: 0, 1, 2 … in each part."""
        if len(self.quotas) == 1:
            return 0, number
        block, position = divmod(number, sum(self.quotas))
        parts, ranks = _order(self.quotas, seed, block)
        part = int(parts[position])
        return part, block * self.quotas[part] + int(ranks[position])


@lru_cache(maxsize=4)
def _order(quotas: tuple[int, ...], seed: int, block: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The part of each sample of a block, and its rank among the block's samples of that part."""
    rng = np.random.default_rng((seed, SHARES, block))
    parts = rng.permutation(np.repeat(np.arange(len(quotas)), quotas))
    ranks = np.empty_like(parts)
    for part, quota in enumerate(quotas):
        ranks[parts == part] = np.arange(quota)
    return parts, ranks

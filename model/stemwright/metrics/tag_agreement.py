"""How well what musicnn hears agrees with the prompt's words: the offline stand-in for the CLAP score.

A tag's log-odds are standardised over real clips first, so that a tag that everything has wins nothing.

Axes: C clip, P patch, G tag.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Probabilities = NDArray[np.float32] | NDArray[np.float64]

_LEAST = 1e-7
"""A probability's distance from 0 and 1, below which float32 tells nothing."""


def clip_log_odds(tags: Probabilities) -> NDArray[np.float64]:
    """One clip's "tags" `[P, G]`, P ≥ 1, as the mean of their log-odds `[G]`."""
    if tags.ndim != 2 or not len(tags):
        raise ValueError(f"tags of a clip must be [P, G] with P > 0, got {list(tags.shape)}")
    p = np.asarray(tags, dtype=np.float64).clip(_LEAST, 1 - _LEAST)
    return np.log(p / (1 - p)).mean(0)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TagScale:
    """How a tag's log-odds are spread over real clips of one part."""

    mean: NDArray[np.float64]
    """`[G]`."""
    deviation: NDArray[np.float64]
    """`[G]`, above 0."""

    @classmethod
    def of(cls, log_odds: NDArray[np.float64]) -> "TagScale":
        """Of clips `[C, G]`, C ≥ 2. Raises ValueError."""
        if log_odds.ndim != 2 or len(log_odds) < 2:
            raise ValueError(
                f"a scale needs the log-odds [C, G] of at least 2 clips, got {list(log_odds.shape)}"
            )
        deviation = log_odds.std(0, ddof=1)
        return cls(mean=log_odds.mean(0), deviation=np.maximum(deviation, 1e-6))


def tag_agreement(
    log_odds: NDArray[np.float64], asked: Sequence[Set[str]], vocabulary: Sequence[str], scale: TagScale
) -> NDArray[np.float64]:
    """Of each clip `[C]`: the mean standardised log-odds of the tags its prompt asks for (`tag_words`).

    `log_odds` [C, G] by `clip_log_odds`. 0: no more than any real clip has; 1: a standard deviation more.
    From each clip the mean over all tags that any prompt asks for is taken off first, for some clips raise
    everything. NaN where nothing is asked. Higher is better.
    """
    if len(log_odds) != len(asked) or log_odds.shape[1] != len(vocabulary):
        raise ValueError(
            f"{list(log_odds.shape)} log-odds for {len(asked)} prompts and {len(vocabulary)} tags"
        )
    chosen = np.array([[tag in tags for tag in vocabulary] for tags in asked], dtype=bool)
    heard = (log_odds - scale.mean) / scale.deviation
    if chosen.any():
        heard = heard - heard[:, chosen.any(0)].mean(1, keepdims=True)
    counts = chosen.sum(1)
    sums = np.where(chosen, heard, 0.0).sum(1)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)

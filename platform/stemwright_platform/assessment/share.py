"""How much of the way from strangers to a song's own stems was gone, with its interval over songs."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stemwright.metrics.interval import NOTHING, Interval, bootstrap_interval
from stemwright_platform.assessment.ratio import ratio_of_means

FEWEST = 4
"""Songs that tell a score's floor from its ceiling."""

Floats = NDArray[np.float64]


def share_of_way(made: Floats, floor: Floats, ceiling: Floats, songs: Sequence[str]) -> Interval:
    """(made − floor) / (ceiling − floor) of scores `[n]`, higher being better: means over means.

    What could not be scored in what was made, though it could in the real stems, is at the floor; what could
    not be scored in those is left out. NaN where fewer than `FEWEST` songs are left, or real stems are not
    surely above the floor: a share of noise would be noise.
    """
    way = ceiling - floor
    known = np.isfinite(way)
    of_known = [song for song, is_known in zip(songs, known, strict=True) if is_known]
    gap = bootstrap_interval(way[known], clusters=of_known)
    if len(set(of_known)) < FEWEST or not gap.low > 0:
        return NOTHING
    gone = np.where(np.isfinite(made), made, floor) - floor
    return ratio_of_means(gone[known].tolist(), way[known].tolist(), of_known)


def witnesses(songs: Sequence[str], places: Sequence[str]) -> Sequence[str]:
    """What intervals draw: songs; where those are too few, their places."""
    return songs if len(set(songs)) >= FEWEST else places


def mean(values: Sequence[float]) -> float:
    """Of those that are known; NaN where none is."""
    known = [value for value in values if math.isfinite(value)]
    return sum(known) / len(known) if known else math.nan

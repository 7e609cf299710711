"""A figure at every λ, and how sure it is, from the same clips at every λ.

Axes: Q guidance scale, C clip, W draw of the bootstrap.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DRAWS = 2000
LEVEL = 0.95


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A figure at Q scales. Draw w takes the same clips at every scale, so that differences are paired."""

    values: Floats
    """[Q]; NaN where nothing could be measured."""
    draws: Floats
    """[W, Q], the figure of each draw."""

    def interval(self) -> tuple[Floats, Floats]:
        """Bounds of the 95 % percentile interval of each value, [Q] and [Q]."""
        return _bounds(self.draws)

    def differences(self, reference: int) -> "Line":
        """The figure less the one at a scale, over the same clips."""
        at = slice(reference, reference + 1)
        return Line(values=self.values - self.values[at], draws=self.draws - self.draws[:, at])

    def standard_errors(self) -> Floats:
        """[Q], of each value; of a line of differences they are paired."""
        return np.std(self.draws, axis=0)


def resampled(num_clips: int, draws: int = DRAWS, seed: int = 0) -> Floats:
    """How often each draw of the bootstrap takes each clip, [W, C]."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(num_clips, np.full(num_clips, 1 / num_clips), size=draws).astype(np.float64)


def mean_line(values: Floats, counts: Floats) -> Line:
    """The mean over clips of `values [Q, C]`, those that are NaN left out; `counts [W, C]` as `resampled`.

    A draw that takes none of the clips measured has the mean of all of them.
    """
    known = np.isfinite(values)
    weight = counts @ known.T
    total = counts @ np.where(known, values, 0.0).T
    whole = known.sum(1)
    mean = np.divide(np.where(known, values, 0.0).sum(1), whole, where=whole > 0, out=_unknown(whole.shape))
    draws = np.divide(total, weight, where=weight > 0, out=np.broadcast_to(mean, total.shape).copy())
    return Line(values=mean, draws=draws)


def average(lines: Sequence[Line]) -> Line:
    """The mean of several lines, each weighing the same; those that measured nothing are left out."""
    told = [line for line in lines if np.isfinite(line.values).all()] or list(lines)
    return Line(
        values=np.mean([line.values for line in told], axis=0),
        draws=np.mean([line.draws for line in told], axis=0),
    )


def _bounds(draws: Floats) -> tuple[Floats, Floats]:
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(draws, [tail, 1 - tail], axis=0)
    return low, high


def _unknown(shape: tuple[int, ...]) -> Floats:
    return np.full(shape, np.nan)

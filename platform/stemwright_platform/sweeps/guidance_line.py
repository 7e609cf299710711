"""A figure at every λ, and how sure it is, from the same clips at every λ.

Axes: Q guidance scale, C clip, W draw of the bootstrap.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stemwright.metrics.interval import drawn_interval
from stemwright.metrics.paired import compare_paired

Floats = NDArray[np.float64]

DRAWS = 2000


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A figure at Q scales. Draw w takes the same clips at every scale, so that differences are paired."""

    values: Floats
    """[Q]; NaN where nothing could be measured."""
    draws: Floats
    """[W, Q], the figure of each draw."""
    n: int
    """Clips."""
    by_clip: Floats | None = None
    """[Q, C], what the values are the means of, NaN where not measured; None for a figure of all together."""

    def p_value(self, scale: int, reference: int) -> float:
        """Two-sided, of no difference between two scales, by flipping signs clip by clip; NaN if unknown."""
        if self.by_clip is None:
            return math.nan
        return compare_paired(self.by_clip[scale], self.by_clip[reference]).p_value

    def interval(self) -> tuple[Floats, Floats]:
        """Bounds of the 95 % interval of each value, [Q] and [Q]; NaN with fewer than two clips."""
        figures = zip(self.values.tolist(), self.draws.T, strict=True)
        found = [drawn_interval(value, drawn, self.n) for value, drawn in figures]
        return np.array([each.low for each in found]), np.array([each.high for each in found])

    def differences(self, reference: int) -> "Line":
        """The figure less the one at a scale, over the same clips."""
        at = slice(reference, reference + 1)
        return Line(values=self.values - self.values[at], draws=self.draws - self.draws[:, at], n=self.n)

    def standard_errors(self) -> Floats:
        """[Q], of each value; of a line of differences they are paired. NaN with fewer than two clips."""
        if self.n < 2:
            return np.full(len(self.values), np.nan)
        return np.std(self.draws, axis=0) * math.sqrt(self.n / (self.n - 1))


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
    return Line(values=mean, draws=draws, n=int(known.all(0).sum()), by_clip=values)


def average(lines: Sequence[Line]) -> Line:
    """The mean of several lines, each weighing the same; those that measured nothing are left out.

    By clip, it is the mean of the lines that have the clip.
    """
    told = [line for line in lines if np.isfinite(line.values).all()] or list(lines)
    return Line(
        values=np.mean([line.values for line in told], axis=0),
        draws=np.mean([line.draws for line in told], axis=0),
        n=max(line.n for line in told),
        by_clip=_mean_by_clip([line.by_clip for line in told if line.by_clip is not None]),
    )


def _mean_by_clip(parts: Sequence[Floats]) -> Floats | None:
    if not parts:
        return None
    stack = np.stack(parts)
    known = np.isfinite(stack)
    count = known.sum(0)
    total = np.where(known, stack, 0.0).sum(0)
    return np.divide(total, count, where=count > 0, out=_unknown(count.shape))


def _unknown(shape: tuple[int, ...]) -> Floats:
    return np.full(shape, np.nan)

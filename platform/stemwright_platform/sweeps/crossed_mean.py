"""How sure a mean is that hangs on songs and on seeds, when every seed's model made every song.

Songs are alike for all models and a model is alike over songs, so that neither cells nor models are
independent witnesses: both seeds and songs are draws of more of their kind (a crossed design, Cochran 1951
for the degrees of freedom).

Axes: R seed, C song.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

LEVEL = 0.95


@dataclass(frozen=True, kw_only=True, slots=True)
class CrossedMean:
    """A mean over seeds and songs."""

    value: float
    """NaN where nothing is known."""
    error: float
    """Standard error; NaN where it cannot be told."""
    degrees: float
    """Of freedom of the error."""
    seeds: int
    songs: int
    """Those that every seed has a value of."""

    @property
    def half_width(self) -> float:
        """Of the 95 % interval."""
        if not self.degrees or not math.isfinite(self.error):
            return math.nan
        from scipy.stats import t

        return float(t.ppf((1 + LEVEL) / 2, self.degrees)) * self.error

    @property
    def p_value(self) -> float:
        """Two-sided, of a mean of 0; NaN where it cannot be told."""
        if not self.degrees or not math.isfinite(self.error):
            return math.nan
        if self.error == 0:
            return float(self.value == 0)
        from scipy.stats import t

        return 2 * float(t.sf(abs(self.value) / self.error, self.degrees))


def crossed_mean(values: ArrayLike) -> CrossedMean:
    """The mean of values `[R, C]`; songs that lack a value, NaN, are left out.

    With one seed the interval is over songs alone, with one song over seeds alone. ValueError for another
    shape.
    """
    found = np.asarray(values, dtype=np.float64)
    if found.ndim != 2:
        raise ValueError(f"values must be [R, C], got {list(found.shape)}")
    found = found[:, np.isfinite(found).all(0)]
    seeds, songs = found.shape
    if not found.size:
        return CrossedMean(value=math.nan, error=math.nan, degrees=0, seeds=seeds, songs=0)
    variance, degrees = _variance(found)
    return CrossedMean(
        value=float(found.mean()), error=math.sqrt(variance), degrees=degrees, seeds=seeds, songs=songs
    )


def _variance(values: NDArray[np.float64]) -> tuple[float, float]:
    """Of the mean, and its degrees of freedom after Satterthwaite; NaN and 0 of a single value."""
    seeds, songs = values.shape
    if seeds == 1 or songs == 1:
        line = values.ravel()
        return (float(line.var(ddof=1)) / line.size, line.size - 1) if line.size > 1 else (math.nan, 0)
    by_seed, by_song = values.mean(1, keepdims=True), values.mean(0, keepdims=True)
    left = values - by_seed - by_song + values.mean()
    degrees = seeds - 1, songs - 1, (seeds - 1) * (songs - 1)
    squares = (
        songs * float(by_seed.var(ddof=1)),
        seeds * float(by_song.var(ddof=1)),
        float((left**2).sum()) / degrees[2],
    )
    total = squares[0] + squares[1] - squares[2]
    # an estimate below that of its greatest part is chance: the wider one is kept
    total = max(total, *squares[:2])
    spread = sum(square**2 / own for square, own in zip(squares, degrees, strict=True))
    freedom = total**2 / spread if spread else float(degrees[2])
    return total / values.size, max(freedom, float(min(degrees)))

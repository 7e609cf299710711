"""Fréchet distance between embeddings of two sets of audio, each taken as one Gaussian (Kilgour 2019).

It falls with the number of embeddings, so compare figures of equal numbers, or the limit that
`frechet_infinity` extrapolates to.

Axes: P patch, E embedding channel.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stemwright.metrics.interval import drawn_interval

Embeddings = NDArray[np.float32] | NDArray[np.float64]

FEWEST_SIZES = 15
"""Sizes of subsets that an extrapolation looks at."""
SMALLEST_SHARE = 0.5
"""Of the clips, in the smallest subset: below it, the distance is no longer straight in 1/n."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class GaussianFit:
    """Mean and covariance of embeddings, in float64; parts of a set are fitted apart and merged."""

    n: int
    """Embeddings."""
    mean: NDArray[np.float64]
    """`[E]`."""
    scatter: NDArray[np.float64]
    """`[E, E]`: the sum of the deviations' outer products."""

    @classmethod
    def of(cls, embeddings: Embeddings) -> "GaussianFit":
        """Of `[P, E]`, P ≥ 0. Raises ValueError for other shapes and for what is not finite."""
        x = np.asarray(embeddings, dtype=np.float64)
        if x.ndim != 2 or not np.isfinite(x).all():
            raise ValueError(f"embeddings must be finite and [P, E], got {list(x.shape)}")
        mean = x.mean(0) if len(x) else np.zeros(x.shape[1])
        deviations = x - mean
        return cls(n=len(x), mean=mean, scatter=deviations.T @ deviations)

    def merged(self, other: "GaussianFit") -> "GaussianFit":
        """Of both sets together (Chan 1979)."""
        n = self.n + other.n
        apart = other.mean - self.mean
        share = other.n / n if n else 0.0
        scatter = self.scatter + other.scatter + self.n * share * np.outer(apart, apart)
        return GaussianFit(n=n, mean=self.mean + share * apart, scatter=scatter)

    @property
    def covariance(self) -> NDArray[np.float64]:
        """`[E, E]`, unbiased. Raises ValueError for fewer than two embeddings."""
        if self.n < 2:
            raise ValueError(f"a covariance needs at least 2 embeddings, got {self.n}")
        return self.scatter / (self.n - 1)

    def root(self) -> NDArray[np.float64]:
        """The symmetric square root of the covariance, `[E, E]`."""
        values, vectors = np.linalg.eigh(self.covariance)
        return (vectors * np.sqrt(values.clip(0))) @ vectors.T


def frechet_distance(a: GaussianFit, b: GaussianFit) -> float:
    """|μₐ − μᵦ|² + tr(A) + tr(B) − 2 tr((A^½ B A^½)^½), at least 0; singular covariances are no trouble.

    The last trace is the sum of the singular values of A^½ B^½, which needs no root of a product that
    rounding has made asymmetric. Raises ValueError where a set has fewer than two embeddings.
    """
    shared = np.linalg.svd(a.root() @ b.root(), compute_uv=False).sum()
    apart = a.mean - b.mean
    distance = apart @ apart + np.trace(a.covariance) + np.trace(b.covariance) - 2 * shared
    return max(float(distance), 0.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class FrechetScore:
    """A Fréchet distance and how sure it is; bounds are NaN for fewer than two clips."""

    value: float
    low: float
    high: float
    """95 % bootstrap interval over clips, of the distance at this number of clips."""
    n: int
    """Clips."""
    patches: int
    """Embeddings."""
    note: str
    """What the figure hangs on, for its reader."""


def frechet_interval(
    embeddings_by_clip: Sequence[Embeddings], reference: GaussianFit, *, draws: int = 200, seed: int = 0
) -> FrechetScore:
    """Distance of all clips' embeddings, each `[P_i, E]`, from a reference.

    A clip is drawn with all its embeddings, for they are not independent. A draw repeats clips, which
    alone makes its distance greater; so the interval has the spread of the draws, about the value itself. The
    reference counts as known. Raises ValueError for fewer than two embeddings.
    """
    clips = _Clips(embeddings_by_clip, reference)
    rng = np.random.default_rng(seed)
    value = clips.distance(np.ones(clips.count, dtype=np.int64))
    low = high = math.nan
    if clips.count > 1 and draws:
        shares = np.full(clips.count, 1 / clips.count)
        drawn = np.array([clips.distance(rng.multinomial(clips.count, shares)) for _ in range(draws)])
        interval = drawn_interval(value, drawn - drawn.mean() + value, clips.count)
        low, high = max(interval.low, 0.0), interval.high
    return FrechetScore(
        value=value, low=low, high=high, n=clips.count, patches=clips.patches, note=_note(clips, reference)
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Extrapolation:
    """The distance that infinitely many clips would have."""

    value: float
    """Where the line meets 1/n = 0; may lie below 0 by chance."""
    slope: float
    """Of the distance over 1/n, in clips: what small numbers add."""
    r_squared: float
    """Of the line; well below 1, distrust the value."""
    n: int
    """Clips."""
    sizes: tuple[int, ...]
    """Of the subsets, in clips."""
    distances: tuple[float, ...]
    """Mean of each size."""


def frechet_infinity(
    embeddings_by_clip: Sequence[Embeddings],
    reference: GaussianFit,
    *,
    sizes: int = FEWEST_SIZES,
    draws: int = 20,
    seed: int = 0,
) -> Extrapolation | None:
    """Extrapolate the distance in 1/n to n = ∞ (Chong and Forsyth 2020), by whole clips.

    `sizes` subset sizes between half of the clips and all, `draws` subsets each, a least-squares line
    through their means. What the reference lacks in size stays in the value. None where there are fewer
    than 2 · `sizes` clips.
    """
    clips = _Clips(embeddings_by_clip, reference)
    if clips.count < 2 * sizes:
        return None
    rng = np.random.default_rng(seed)
    counts = np.unique(np.linspace(SMALLEST_SHARE * clips.count, clips.count, sizes).round().astype(int))
    means = np.array([np.mean([clips.distance(clips.subset(n, rng)) for _ in range(draws)]) for n in counts])
    slope, value = np.polyfit(1 / counts, means, 1)
    spread = np.square(means - means.mean()).sum()
    missed = np.square(means - value - slope / counts).sum()
    return Extrapolation(
        value=float(value),
        slope=float(slope),
        r_squared=float(1 - missed / spread) if spread else 1.0,
        n=clips.count,
        sizes=tuple(counts.tolist()),
        distances=tuple(means.tolist()),
    )


class _Clips:
    """Clips against a reference, ready for many distances: what all draws share is worked out once."""

    def __init__(self, embeddings_by_clip: Sequence[Embeddings], reference: GaussianFit) -> None:
        kept = [np.asarray(clip, dtype=np.float64) for clip in embeddings_by_clip if len(clip)]
        self.count, self.patches = len(kept), sum(map(len, kept))
        if self.patches < 2:
            raise ValueError(f"a Fréchet distance needs at least 2 embeddings, got {self.patches}")
        rows = np.concatenate(kept)
        if not np.isfinite(rows).all():
            raise ValueError("embeddings must be finite")
        self._rows = rows - reference.mean
        self._through = self._rows @ reference.root()
        self._squares = np.square(self._rows).sum(1)
        self._clip_of = np.repeat(np.arange(self.count), [len(clip) for clip in kept])
        self._reference_trace = float(np.trace(reference.covariance))

    def subset(self, size: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """How often each clip counts where `size` are chosen: 0 or 1."""
        chosen = np.zeros(self.count, dtype=np.int64)
        chosen[rng.choice(self.count, size, replace=False)] = 1
        return chosen

    def distance(self, times: NDArray[np.int64]) -> float:
        """Of the clips, each counted so many times, `[count]`."""
        weights = times[self._clip_of].astype(np.float64)
        n = weights.sum()
        if n < 2:
            return math.nan
        mean, through_mean = weights @ self._rows / n, weights @ self._through / n
        heard = weights > 0
        half = (self._through[heard] - through_mean) * np.sqrt(weights[heard, None] / (n - 1))
        trace = (weights @ self._squares - n * (mean @ mean)) / (n - 1)
        return max(float(mean @ mean + trace + self._reference_trace - 2 * _singular_sum(half)), 0.0)


def _singular_sum(matrix: NDArray[np.float64]) -> float:
    """The sum of the singular values, by the eigenvalues of the smaller of both products with itself."""
    wide = matrix.shape[0] < matrix.shape[1]
    values = np.linalg.eigvalsh(matrix @ matrix.T if wide else matrix.T @ matrix)
    return float(np.sqrt(values.clip(0)).sum())


def _note(clips: _Clips, reference: GaussianFit) -> str:
    """How many, and a warning where they are few."""
    width = len(reference.mean)
    text = f"{clips.patches} patches against {reference.n}"
    few = [name for name, n in (("set", clips.patches), ("reference", reference.n)) if n < 2 * width]
    return (
        f"{text}; small {' and '.join(few)} (under 2 × {width} dimensions): biased upwards" if few else text
    )

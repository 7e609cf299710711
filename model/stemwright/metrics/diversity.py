"""How much takes of one request differ, and whether generated clips are copies of training songs.

Works on any feature's "embeddings", in the scale of the training songs' and compared by angle.

Axes: P patch of a clip, E embedding channel, J training song.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Embeddings = NDArray[np.float32] | NDArray[np.float64]

COPY_QUANTILE = 0.01
"""Of held-out real clips, so few lie as near to a training song as a clip must to be called a copy."""
NEXT_SONGS = 3
"""The nearest song is compared with so many that follow it; more than one, for songs come in versions."""
_SILENT = 0.05
"""A patch differs from silence in some channel by more than this."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class EmbeddingScale:
    """What is usual in the training songs: distances are measured in it."""

    mean: NDArray[np.float64]
    """`[E]`."""
    deviation: NDArray[np.float64]
    """`[E]`, above 0."""
    silence: NDArray[np.float64] | None
    """`[E]`: patches like this are not compared, for silence copies nothing."""

    @classmethod
    def of(cls, songs: Sequence[Embeddings], silence: Embeddings | None = None) -> "EmbeddingScale":
        """Of songs, each `[P, E]`. Raises ValueError where fewer than two patches sound."""
        heard = np.concatenate([sounding(song, silence) for song in songs]).astype(np.float64)
        if len(heard) < 2:
            raise ValueError("a scale needs at least 2 patches that sound")
        deviation = heard.std(0)
        return cls(
            mean=heard.mean(0),
            deviation=np.maximum(deviation, 1e-3 * deviation.max() + 1e-12),
            silence=None if silence is None else np.asarray(silence, np.float64),
        )

    def directions(self, embeddings: Embeddings) -> NDArray[np.float64]:
        """The sounding of `[P, E]` as unit vectors `[P', E]`, P' from 0 to P."""
        scaled = (sounding(embeddings, self.silence) - self.mean) / self.deviation
        return scaled / np.maximum(np.linalg.norm(scaled, axis=1, keepdims=True), 1e-12)


def sounding(embeddings: Embeddings, silence: Embeddings | None) -> Embeddings:
    """The patches of `[P, E]` that are not those of silence `[E]`."""
    return embeddings if silence is None else embeddings[np.abs(embeddings - silence).max(1) > _SILENT]


@dataclass(frozen=True, kw_only=True, slots=True)
class Spread:
    """How far takes lie apart: cosine distances between clips, 0 to 2."""

    ratio: float
    """Within requests over between them: 0 where all takes of a request are the same, 1 where the request
    does not matter. NaN without two takes of a request and two requests."""
    within: float
    """Mean over pairs of takes of one request."""
    between: float
    """Mean over pairs of takes of different requests."""
    ratios: tuple[float, ...]
    """Of each request: its own takes' distance over `between`; NaN for fewer than two takes."""


def spread_over_seeds(requests: Sequence[Sequence[Embeddings]], scale: EmbeddingScale) -> Spread:
    """Of requests, each with its takes' embeddings `[P, E]`; silent takes are left out."""
    centres = [
        [np.mean(heard, axis=0) for take in takes if len(heard := scale.directions(take))]
        for takes in requests
    ]
    points = np.array([centre for takes in centres for centre in takes])
    if not len(points):
        return Spread(ratio=math.nan, within=math.nan, between=math.nan, ratios=(math.nan,) * len(requests))
    points /= np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-12)
    owner = np.repeat(np.arange(len(requests)), [len(takes) for takes in centres])
    distances = (1 - points @ points.T).clip(0)
    same = owner[:, None] == owner
    between = _mean(distances[~same])
    own = [_mean(_pairs(distances[np.ix_(owner == r, owner == r)])) for r in range(len(requests))]
    within = _mean(np.array([distance for distance in own if not math.isnan(distance)]))
    over = [distance / between if between else math.nan for distance in (within, *own)]
    return Spread(ratio=over[0], within=within, between=between, ratios=tuple(over[1:]))


@dataclass(frozen=True, kw_only=True, slots=True)
class Neighbour:
    """The training song that a clip is most like."""

    song: int
    """Its place among the training songs; −1 for a silent clip."""
    distance: float
    """Mean over the clip's patches of the cosine distance to the song's nearest patch; NaN for silence."""
    nearness: float
    """That distance over the mean of the next songs': near 1 for what is new, near 0 for a copy."""


class TrainingSongs:
    """Whole songs of the training split, to find neighbours among."""

    def __init__(self, songs: Sequence[Embeddings], scale: EmbeddingScale) -> None:
        """One entry a song, `[P, E]`, a patch every second: further apart, copies are missed.

        Raises ValueError where fewer than two songs sound.
        """
        self._scale = scale
        directions = [scale.directions(song) for song in songs]
        self._songs = np.array([number for number, song in enumerate(directions) if len(song)])
        if len(self._songs) < 2:
            raise ValueError("neighbours need at least 2 training songs that sound")
        kept = [directions[number] for number in self._songs]
        self._starts = np.cumsum([0, *map(len, kept[:-1])])
        self._patches = np.concatenate(kept).astype(np.float32)

    def neighbour(self, clip: Embeddings) -> Neighbour:
        """Of a clip `[P, E]`."""
        heard = self._scale.directions(clip).astype(np.float32)
        if not len(heard):
            return Neighbour(song=-1, distance=math.nan, nearness=math.nan)
        likeness = np.maximum.reduceat(heard @ self._patches.T, self._starts, axis=1)
        distances = (1 - likeness.astype(np.float64)).clip(0).mean(0)
        order = np.argsort(distances)[: 1 + NEXT_SONGS]
        nearest, following = float(distances[order[0]]), float(distances[order[1:]].mean())
        return Neighbour(
            song=int(self._songs[order[0]]),
            distance=nearest,
            nearness=nearest / following if following else 1.0,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Copying:
    """Which generated clips are as near to a training song as hardly any real clip is."""

    share: float
    """Of the sounding clips, those called copies; `COPY_QUANTILE` is what real music has. NaN without any."""
    threshold: float
    """A nearness below it is a copy's."""
    copies: tuple[int, ...]
    """Their places among the clips."""
    neighbours: tuple[Neighbour, ...]
    """Of each clip."""
    n: int
    """Clips that sound."""
    held_out: int
    """Real clips behind the threshold; under a hundred, it is the nearest of them."""


def copying(generated: Sequence[Embeddings], held_out: Sequence[Embeddings], songs: TrainingSongs) -> Copying:
    """Generated clips and real clips that were not trained on, each `[P, E]` and of the same length.

    Raises ValueError where no held-out clip sounds.
    """
    real = [found.nearness for clip in held_out if (found := songs.neighbour(clip)).song >= 0]
    if not real:
        raise ValueError("no held-out clip sounds: there is nothing to compare copies with")
    threshold = float(np.quantile(real, COPY_QUANTILE))
    neighbours = tuple(songs.neighbour(clip) for clip in generated)
    copies = tuple(place for place, found in enumerate(neighbours) if found.nearness < threshold)
    n = sum(found.song >= 0 for found in neighbours)
    return Copying(
        share=len(copies) / n if n else math.nan,
        threshold=threshold,
        copies=copies,
        neighbours=neighbours,
        n=n,
        held_out=len(real),
    )


def _pairs(distances: NDArray[np.float64]) -> NDArray[np.float64]:
    """The values above the diagonal."""
    return distances[np.triu_indices(len(distances), 1)]


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if values.size else math.nan

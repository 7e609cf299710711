"""How far the sound of each track is from real stems, and whether it is nearest to its own track's."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from stemwright.metrics.frechet import (
    Embeddings,
    FrechetScore,
    GaussianFit,
    frechet_distance,
    frechet_interval,
)
from stemwright_platform.assessment.assessment_plan import TARGET_PATCHES
from stemwright_platform.assessment.context import Context
from stemwright_platform.assessment.figure import Figure, Target
from stemwright_platform.assessment.stem_hearing import EMBEDDING
from stemwright_platform.assessment.take import DEFAULTS, Heard, Maker, TakeOrder
from stemwright_platform.assessment.window import Window
from stemwright_platform.evaluation.systems import SamplingChoice

MOST = Target(bound=0.15, at_least=False)
NEARER = Target(bound=1.0, at_least=False)
NORMAL = 1.96
"""Standard errors on either side of a 95 % interval."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Distances:
    """Of one track, to real stems of other songs."""

    made: FrechetScore
    floor: FrechetScore
    """Of real stems: two halves of the songs."""
    untrained: FrechetScore
    """Of the model before its first step."""

    @property
    def share(self) -> float:
        """0 for real stems, 1 for the untrained model."""
        return (self.made.value - self.floor.value) / (self.untrained.value - self.floor.value)

    @property
    def error(self) -> float:
        """The share's standard error, from those of the three distances, taken as independent."""
        way, share = self.untrained.value - self.floor.value, self.share
        parts = (1.0, self.made), (1 - share, self.floor), (share, self.untrained)
        return math.hypot(*(weight * _error(score) / way for weight, score in parts))


def frechet_figures(context: Context) -> list[Figure]:
    """Two figures a track."""
    music = context.music
    if len({window.song.song_id for window in music.reference}) < 2:
        about = "Distance of the sound to real stems"
        return [Figure(name="frechet", about=about, value=math.nan, note="needs four songs or more")]
    real = _by_track(context, "real", music.reference)
    fits = {track: _fit(songs) for track, songs in real.items()}
    made = _by_track(context, "model", music.asked)
    tracks = [track for track in context.tracks.names if track in fits and track in made]
    shares = [_share_figure(track, found) for track, found in track_distances(context).items()]
    nearest = [_nearest_figure(track, made[track], {name: fits[name] for name in tracks}) for track in tracks]
    return [*shares, *nearest]


def track_distances(context: Context, sampling: SamplingChoice = DEFAULTS) -> dict[str, Distances]:
    """Track → distances of takes of all tracks at once to the reference, at equal numbers.

    `sampling`: settings of the takes, instead of the plan's. Empty where there are too few songs.
    """
    music = context.music
    reference = _by_track(context, "real", music.reference)
    real = _by_track(context, "real", music.asked)
    made = _by_track(context, "model", music.asked, sampling)
    untrained = _by_track(context, "untrained", music.asked)
    found = {}
    for track in context.tracks.names:
        if all(track in heard for heard in (reference, real, made, untrained)):
            fit = _fit(reference[track])
            found[track] = Distances(
                made=frechet_interval(made[track], fit),
                floor=frechet_interval(real[track], fit),
                untrained=frechet_interval(untrained[track], fit),
            )
    return found


def _by_track(
    context: Context, maker: Maker, windows: Sequence[Window], sampling: SamplingChoice = DEFAULTS
) -> dict[str, list[Embeddings]]:
    """Track → embeddings of each song, of the tracks that songs have."""
    orders = [TakeOrder(maker=maker, window=window, sampling=sampling) for window in windows]
    found: dict[str, dict[str, list[Embeddings]]] = defaultdict(lambda: defaultdict(list))
    for window, heard in zip(windows, context.heard(orders, LABELS[maker]), strict=True):
        for track, embeddings in _embeddings(heard, window).items():
            found[track][window.song.song_id].append(embeddings)
    return {
        track: [np.concatenate(clips, dtype=np.float32) for clips in songs.values()]
        for track, songs in found.items()
    }


LABELS: Mapping[Maker, str] = {"real": "real stems", "model": "all tracks at once", "untrained": "untrained"}


def _fit(songs: Sequence[Embeddings]) -> GaussianFit:
    return reduce(GaussianFit.merged, map(GaussianFit.of, songs))


def _embeddings(heard: Heard, window: Window) -> dict[str, Embeddings]:
    return {track: heard[track][EMBEDDING]["embeddings"] for track in window.tracks if track in heard}


def _share_figure(track: str, found: Distances) -> Figure:
    patches = found.made.patches
    few = "" if patches >= TARGET_PATCHES else f"; the target is set on {TARGET_PATCHES} patches"
    margin = NORMAL * found.error
    return Figure(
        name=f"frechet.{track}",
        about=f"How far {track} sounds from real stems: 0 as near as real ones, 1 the untrained model",
        value=found.share,
        low=found.share - margin,
        high=found.share + margin,
        target=MOST,
        n=patches,
        note=f"distance {found.made.value:.1f}, real stems {found.floor.value:.1f}, untrained "
        f"{found.untrained.value:.0f} ({EMBEDDING}); n patches{few}",
    )


def _nearest_figure(track: str, made: Sequence[Embeddings], fits: Mapping[str, GaussianFit]) -> Figure:
    fit = _fit(made)
    distances = {name: frechet_distance(fit, other) for name, other in fits.items()}
    others = [distance for name, distance in distances.items() if name != track]
    told = ", ".join(f"{name} {distance:.1f}" for name, distance in distances.items())
    return Figure(
        name=f"frechet_own.{track}",
        about=f"Distance of {track} to real stems of its own track over that to the nearest other track",
        value=distances[track] / min(others) if others else math.nan,
        target=NEARER,
        n=fit.n,
        note=f"to {told}; n patches",
    )


def _error(score: FrechetScore) -> float:
    """Standard error of a distance, from its interval."""
    return (score.high - score.low) / (2 * NORMAL)

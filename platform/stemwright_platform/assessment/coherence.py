"""Whether what is made fits what is given: the way from strangers of one tempo and key to the song's own."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations
from math import isnan

import numpy as np

from stemwright.metrics.coherence import has_pitch, pair_scores
from stemwright.metrics.interval import Interval
from stemwright.tasks import Task
from stemwright.tracks import Tracks
from stemwright_platform.assessment.context import Context
from stemwright_platform.assessment.figure import Figure, Target
from stemwright_platform.assessment.share import mean, share_of_way, witnesses
from stemwright_platform.assessment.take import DEFAULTS, Heard, TakeOrder
from stemwright_platform.assessment.window import Window
from stemwright_platform.evaluation.systems import SamplingChoice
from stemwright_platform.evaluation.task_name import JOINT, task_name

HALF = Target(bound=0.5, at_least=True)
LOCKED = "bass"
"""The track whose onsets are held to the drums'."""
SAID = {
    "chroma_agreement": "notes agree",
    "onset_lock": "onsets lock",
    "beat_agreement": "places in the beat agree",
}
"""Scores in words."""

Pair = tuple[str, str]
"""A track of the take, and the one that it is held against."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fit:
    """A score of what a task makes: the mean over pairs of tracks."""

    score: str
    task: Task
    pairs: tuple[Pair, ...]
    held: bool = False
    """Whether it has a target."""

    @property
    def figure_name(self) -> str:
        return f"coherence.{self.score}.{JOINT if self.task.mode == JOINT else self.task.targets[0]}"

    @property
    def about(self) -> str:
        """In words."""
        if self.task.mode == JOINT:
            return f"How far {SAID[self.score]} among tracks that are made together"
        others = " and ".join(other for _, other in self.pairs)
        return (
            f"How far {SAID[self.score]} between {self.task.targets[0]}, made to fit the rest, and {others}"
        )


def coherence_figures(context: Context) -> list[Figure]:
    """Shares of each track made to fit the others, and of all tracks made together."""
    return [_figure(context, fit) for fit in [*conditional_fits(context.tracks), *joint_fits(context.tracks)]]


def conditional_fits(tracks: Tracks) -> Iterator[Fit]:
    """What a track that is made to fit the rest is judged by: harmony with pitched tracks, onsets with the
    drums (the drums' with the bass), and the beat with all."""
    for target in tracks.names:
        others = tuple(name for name in tracks.names if name != target)
        task = Task((target,), others, tracks=tracks)
        pitched = tuple((target, name) for name in others if has_pitch(name))
        drums = tuple((target, name) for name in others if not has_pitch(name))
        if has_pitch(target) and pitched:
            yield Fit(score="chroma_agreement", task=task, pairs=pitched, held=True)
        if drums:
            yield Fit(score="onset_lock", task=task, pairs=drums, held=target == LOCKED)
        elif LOCKED in others:
            yield Fit(score="onset_lock", task=task, pairs=((target, LOCKED),))
        yield Fit(score="beat_agreement", task=task, pairs=tuple((target, name) for name in others))


def joint_fits(tracks: Tracks) -> Iterator[Fit]:
    """The same of all pairs of tracks that are made together."""
    task = Task(tracks.names, tracks=tracks)
    pairs = tuple(combinations(tracks.names, 2))
    pitched = tuple(pair for pair in pairs if all(map(has_pitch, pair)))
    yield Fit(score="chroma_agreement", task=task, pairs=pitched)
    yield Fit(score="onset_lock", task=task, pairs=pairs)
    yield Fit(score="beat_agreement", task=task, pairs=pairs)


def coherence_share(context: Context, fit: Fit, sampling: SamplingChoice = DEFAULTS) -> Interval:
    """Share of the way from strangers' stems to the song's own, over `music.matched`.

    `sampling`: settings of the takes, instead of the plan's.
    """
    windows = [one for one in context.music.matched if set(fit.task.targets) <= set(one.tracks)]
    strangers = dict(zip(context.music.matched, context.music.strangers, strict=True))
    name = task_name(fit.task)
    orders = [TakeOrder(maker="model", window=one, task=name, sampling=sampling) for one in windows]
    takes, real = context.heard(orders, name.replace("_", " ")), _real(context)
    rows = [
        _row(fit, take, real[one], [real[other] for other in strangers[one]])
        for one, take in zip(windows, takes, strict=True)
    ]
    made, floor, ceiling = np.array(rows, np.float64).reshape(-1, 3).T
    songs = witnesses([one.song.song_id for one in windows], [one.name for one in windows])
    return share_of_way(made, floor, ceiling, songs)


def _row(fit: Fit, take: Heard, own: Heard, others: Sequence[Heard]) -> tuple[float, float, float]:
    """The score of what was made, of strangers, and of the song itself."""
    together = {**own, **take} if fit.task.mode == JOINT else own
    return (
        mean([_score(fit.score, take, together, pair) for pair in fit.pairs]),
        mean([_score(fit.score, other, own, pair) for pair in fit.pairs for other in others]),
        mean([_score(fit.score, own, own, pair) for pair in fit.pairs]),
    )


def _score(score: str, one: Heard, other: Heard, pair: Pair) -> float:
    """Of the first track as one has it and the second as the other does; NaN where either lacks it."""
    first, second = pair
    if first not in one or second not in other:
        return float("nan")
    return pair_scores(one[first], other[second], pitched=all(map(has_pitch, pair)))[score]


def _real(context: Context) -> Mapping[Window, Heard]:
    """What was heard of the songs themselves, strangers' places too."""
    windows = list(dict.fromkeys(chain(context.music.matched, *context.music.strangers)))
    orders = [TakeOrder(maker="real", window=window) for window in windows]
    return dict(zip(windows, context.heard(orders, "real stems"), strict=True))


def _figure(context: Context, fit: Fit) -> Figure:
    share = coherence_share(context, fit)
    songs = {window.song.song_id for window in context.music.matched}
    note = f"n takes; songs: {len(songs)}"
    if isnan(share.value):
        note = f"real stems cannot be told from strangers' on {len(context.music.matched)} windows"
    return Figure(
        name=fit.figure_name,
        about=fit.about,
        value=share.value,
        low=share.low,
        high=share.high,
        target=HALF if fit.held else None,
        n=share.n,
        note=note,
    )

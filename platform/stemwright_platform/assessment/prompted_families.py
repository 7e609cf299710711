"""Whether a track sounds like the instrument that the prompt names: takes and real stems heard by one ear.

An ear learns families of instruments from real stems that the model is not asked about, one ear a track.
Each take is of one track alone, and its prompt names one instrument and nothing else: that of a held-out real
stem. Families take turns, so that a common one counts no more than a rare one.

Axes: N stem, E number of a description.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from stemwright.metrics.timbre import Timbre
from stemwright.tasks import Task
from stemwright_platform.assessment.context import Context
from stemwright_platform.assessment.example_stem import Description, ExampleStem, example_stems
from stemwright_platform.assessment.family_ear import FEWEST, FamilyEar
from stemwright_platform.assessment.figure import Figure, Target
from stemwright_platform.assessment.ratio import ratio_of_means
from stemwright_platform.assessment.take import TakeOrder
from stemwright_platform.assessment.take_making import recorded
from stemwright_platform.assessment.window import Window, windows_of
from stemwright_platform.corpus.manifest import read_manifest
from stemwright_platform.evaluation.feature_store import FeatureStore
from stemwright_platform.evaluation.hearing import Hearing
from stemwright_platform.evaluation.task_name import task_name

LESSONS = 48
"""Stems of a family that an ear learns from, at most."""
TARGET = Target(bound=0.8, at_least=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdicts:
    """What the ear called the takes of a track, the real stems, and these through the codec, one by one."""

    track: str
    asked: tuple[str, ...]
    """The family named."""
    made: tuple[str, ...]
    real: tuple[str, ...]
    coded: tuple[str, ...]
    songs: tuple[str, ...]
    """Of the real stems."""

    def right(self, choices: Sequence[str]) -> list[float]:
        """1 where the choice is the family named, else 0."""
        return [float(choice == asked) for choice, asked in zip(choices, self.asked, strict=True)]

    @property
    def chance(self) -> float:
        """How often takes would be called what was asked for if prompts were dealt out anew."""
        asked, made = Counter(self.asked), Counter(self.made)
        return sum(asked[name] * made[name] for name in asked) / len(self.asked) ** 2


def family_figures(context: Context) -> list[Figure]:
    """Right takes over right real stems, all tracks and each; and how good the ear is."""
    lesson = _Lesson(context)
    found = [verdicts for track in context.tracks.names if (verdicts := lesson.verdicts(track))]
    if not found:
        nothing = "no track has stems of two families of instruments that are known track by track"
        return [_figure("prompt.family", "all tracks", [], nothing)]
    figures = [_figure("prompt.family", "all tracks", found)]
    figures += [_figure(f"prompt.family.{verdicts.track}", verdicts.track, [verdicts]) for verdicts in found]
    return [*figures, *_of_ear(found)]


class _Lesson:
    """What ears learn from and are tried on, described once each."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._hearing = Hearing([Timbre()], FeatureStore(context.out / "features"))
        self._rate_hz = context.composer.codec.sample_rate_hz
        self._lessons = _lesson_windows(context)

    def verdicts(self, track: str) -> Verdicts | None:
        """None where the songs have no two families of this track."""
        ear = self._ear(track)
        if ear is None:
            return None
        asked, most = self._context.music.asked, self._context.plan.coherence_songs
        held_out = example_stems(asked, track, self._of_window, families=ear.families, most=most)
        if not held_out:
            return None
        task = task_name(Task((track,), tracks=self._context.tracks))
        orders = [
            TakeOrder(maker="model", window=one.window, task=task, prompt=one.words) for one in held_out
        ]
        files = self._context.sounds(orders, f"prompts for {track}")
        return Verdicts(
            track=track,
            asked=tuple(one.family for one in held_out),
            made=_called(ear, [self._described(sounds[track]) for sounds in files]),
            real=_called(ear, [one.described for one in held_out]),
            coded=_called(ear, [self._described(self._coded(one)) for one in held_out]),
            songs=tuple(one.window.song.song_id for one in held_out),
        )

    def _ear(self, track: str) -> FamilyEar | None:
        stems = example_stems(self._lessons, track, self._of_window, each=LESSONS)
        counts = Counter(stem.family for stem in stems)
        if sum(count >= FEWEST for count in counts.values()) < 2:
            return None
        return FamilyEar.taught(np.stack([stem.described for stem in stems]), [stem.family for stem in stems])

    def _of_window(self, window: Window, track: str) -> Description | None:
        audio = recorded(window, self._rate_hz).get(track)
        if audio is None:
            return None
        heard = self._hearing.of_samples(audio)["timbre"]
        return heard["timbre"] if heard["sounds"][0] else None

    def _described(self, sound: Path | Tensor) -> Description:
        heard = self._hearing(sound) if isinstance(sound, Path) else self._hearing.of_samples(sound)
        return heard["timbre"]["timbre"]

    def _coded(self, stem: ExampleStem) -> Tensor:
        """`[2, n]`: the real stem through the codec."""
        coder, seconds = self._context.composer.coder, stem.window.duration_s
        audio = recorded(stem.window, self._rate_hz)[stem.track]
        task = Task((stem.track,), tracks=self._context.tracks)
        return coder.decode(coder.encode({stem.track: audio}, seconds), task, seconds)[stem.track]


def _lesson_windows(context: Context) -> list[Window]:
    """Of songs that the model is not asked about: those of the reference, and training songs where known."""
    found = list(context.music.reference)
    if context.plan.training:
        songs = [song for song in read_manifest(context.plan.training) if song.split == "train"]
        found += windows_of(songs, context.plan.duration_s, len(songs), seed=context.plan.seed)
    asked = {window.song.song_id for window in context.music.asked}
    return [window for window in found if window.song.song_id not in asked]


def _called(ear: FamilyEar, described: Sequence[NDArray[np.float32]]) -> tuple[str, ...]:
    return tuple(ear.choices(np.stack(described)))


def _figure(name: str, of: str, found: Sequence[Verdicts], nothing: str = "") -> Figure:
    made = [value for verdicts in found for value in verdicts.right(verdicts.made)]
    real = [value for verdicts in found for value in verdicts.right(verdicts.real)]
    songs = [song for verdicts in found for song in verdicts.songs]
    interval = ratio_of_means(made, real, songs)
    note = nothing or (
        f"right are {np.mean(made):.2f} of takes, {np.mean(real):.2f} of real stems, "
        f"{np.mean([verdicts.chance for verdicts in found]):.2f} of takes with prompts dealt out anew; "
        f"n takes, {sum(len(set(verdicts.asked)) for verdicts in found)} families"
    )
    return Figure(
        name=name,
        about=f"How often takes are heard as the instrument named, over how often real stems are: {of}",
        value=interval.value,
        low=interval.low,
        high=interval.high,
        target=TARGET,
        n=interval.n,
        note=note,
    )


def _of_ear(found: Sequence[Verdicts]) -> Iterator[Figure]:
    """How good the ear itself is, and what the codec leaves it to hear."""
    for name, of in (("real", "held-out real stems"), ("coded", "the same stems through the codec")):
        right = [verdicts.right(getattr(verdicts, name)) for verdicts in found]
        by_track = ", ".join(
            f"{v.track} {np.mean(of_track):.2f}" for v, of_track in zip(found, right, strict=True)
        )
        yield Figure(
            name=f"prompt.family.ear_on_{name}",
            about=f"How often the ear is right about {of}",
            value=float(np.mean([value for of_track in right for value in of_track])),
            n=sum(map(len, right)),
            note=f"{by_track}; n stems, of each family about as many",
        )

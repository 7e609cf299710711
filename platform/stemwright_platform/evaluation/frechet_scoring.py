"""Fréchet distances of groups of sounds to the reference set."""

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from stemwright.metrics.frechet import (
    Embeddings,
    Extrapolation,
    FrechetScore,
    frechet_infinity,
    frechet_interval,
)
from stemwright_platform.evaluation.hearing import Hearing
from stemwright_platform.evaluation.reference_set import ReferenceSet
from stemwright_platform.evaluation.score_row import ScoreRow
from stemwright_platform.evaluation.sound_group import SoundGroup

Found = list[tuple[str, FrechetScore, Extrapolation | None]]


class FrechetScoring:
    """Distances by every embedding; those of the same sounds are worked out once."""

    def __init__(self, hearing: Hearing, reference: ReferenceSet, seed: int = 0) -> None:
        """`hearing`: by embedders alone."""
        self._hearing, self._reference, self._seed = hearing, reference, seed
        self._known: dict[tuple[str, tuple[Path, ...]], Found] = {}

    def rows(self, groups: Iterable[SoundGroup]) -> Iterator[ScoreRow]:
        """`frechet.NAME`, and `frechet_infinity.NAME` where there are clips enough."""
        for group in groups:
            for name, score, limit in self._scores(group):
                clips, n = self._reference.clips[name, group.part], len(group.items)
                note = f"{score.note}; {score.n} songs; reference of {clips} clips of others"
                yield _row(group, f"frechet.{name}", score.value, score.low, score.high, n, note)
                if limit is not None:
                    note = f"extrapolated over 1/n, R² {limit.r_squared:.2f}; {note}"
                    yield _row(
                        group, f"frechet_infinity.{name}", limit.value, math.nan, math.nan, limit.n, note
                    )

    def _scores(self, group: SoundGroup) -> Found:
        key = group.part, group.paths
        if key not in self._known:
            self._known[key] = [*self._worked_out(group)]
        return self._known[key]

    def _worked_out(self, group: SoundGroup) -> Iterator[tuple[str, FrechetScore, Extrapolation | None]]:
        heard = [self._hearing(path) for path in group.paths]
        for feature in self._hearing.features:
            fit = self._reference.fits.get((feature.name, group.part))
            embedded = [arrays[feature.name]["embeddings"] for arrays in heard]
            if fit is None or fit.n < 2 or sum(map(len, embedded)) < 2:
                continue
            songs = _by_song([item.clip.song for item in group.items], embedded)
            yield (
                feature.name,
                frechet_interval(songs, fit, seed=self._seed),
                frechet_infinity(embedded, fit, seed=self._seed),
            )


def _by_song(songs: Sequence[str], embedded: Sequence[Embeddings]) -> Sequence[Embeddings]:
    """Clips of one song are alike: intervals draw them together."""
    found: dict[str, list[Embeddings]] = {}
    for song, clip in zip(songs, embedded, strict=True):
        found.setdefault(song, []).append(clip)
    return [np.concatenate(clips, dtype=np.float32) for clips in found.values()]


def _row(group: SoundGroup, score: str, value: float, low: float, high: float, n: int, note: str) -> ScoreRow:
    return ScoreRow(
        score=score,
        system=group.system,
        task=group.task,
        part=group.part,
        value=value,
        low=low,
        high=high,
        n=n,
        note=note,
    )

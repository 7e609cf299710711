"""The same music under two names: pairs of songs that share landmarks, to be made sure of by listening."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stemwright_platform.corpus.check.fingerprint import HOPS_PER_S
from stemwright_platform.corpus.check.measurement import SongMeasure, unpacked

FEWEST_SHARED = 5
"""Landmarks at one distance in time. Measured: songs of the demo corpus share 1, copies 16 and more."""
MOST_PARTNERS = 32
"""With how many of those that have the same hash a landmark is compared."""
MARKS_A_PART = 1_000_000
"""Landmarks that are compared with all others at once."""
_DISTANCES = 1 << 24
"""More than twice the hops of any song."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """Two songs that may be the same music."""

    first: str
    second: str
    """Their names, in the order of the corpus."""
    later_s: float
    """How much later the music comes in the second."""
    num_shared: int
    """Landmarks that agree on it."""


def candidates(measures: Sequence[SongMeasure]) -> list[Candidate]:
    """All pairs with FEWEST_SHARED landmarks or more at one distance."""
    best: dict[int, tuple[int, int]] = {}  # pair → landmarks, distance
    for coincidences in _coincidences(measures):
        votes, counts = np.unique(coincidences, return_counts=True)
        counts = _with_neighbours(votes, counts)
        enough = counts >= FEWEST_SHARED
        for vote, count in zip(votes[enough].tolist(), counts[enough].tolist(), strict=True):
            pair, distance = divmod(vote, _DISTANCES)
            best[pair] = max(best.get(pair, (0, 0)), (count, distance - _DISTANCES // 2))
    return [
        Candidate(
            first=measures[pair // len(measures)].song_id,
            second=measures[pair % len(measures)].song_id,
            later_s=distance / HOPS_PER_S,
            num_shared=count,
        )
        for pair, (count, distance) in sorted(best.items())
    ]


def groups(pairs: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Names that are linked, directly or through others, together; in any order."""
    group_of: dict[str, list[str]] = {}
    for first, second in pairs:
        one, other = group_of.setdefault(first, [first]), group_of.setdefault(second, [second])
        if one is not other:
            one += other
            group_of.update((name, one) for name in other)
    return list({id(group): group for group in group_of.values()}.values())


def _coincidences(measures: Sequence[SongMeasure]) -> Iterator[NDArray[np.int64]]:
    """A number for each two equal hashes of two songs: which pair of songs, and how far apart in time.

    All of a pair come in one array; there are several arrays, so that none is large.
    """
    marks = [unpacked(measure.landmarks, np.uint32) for measure in measures]
    songs = np.repeat(np.arange(len(marks)), [mark.shape[1] for mark in marks])
    hashes, hops = np.concatenate(marks, axis=1) if marks else np.zeros((2, 0), np.uint32)
    order = np.argsort(hashes, kind="stable")
    hashes, hops, songs = hashes[order], hops[order].astype(np.int64), songs[order]
    num_parts = 1 + len(hashes) // MARKS_A_PART
    for part in range(num_parts):
        found = [np.zeros(0, np.int64)]
        for step in range(1, min(MOST_PARTNERS, len(hashes) - 1) + 1):
            equal = np.flatnonzero((hashes[step:] == hashes[:-step]) & (songs[:-step] % num_parts == part))
            equal = equal[songs[equal] != songs[equal + step]]
            distance = hops[equal + step] - hops[equal] + _DISTANCES // 2
            found.append((songs[equal] * len(marks) + songs[equal + step]) * _DISTANCES + distance)
        yield np.concatenate(found)


def _with_neighbours(votes: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Each count with those of the next distances: copies need not lie a whole number of hops apart."""
    total = counts.copy()
    adjacent = np.diff(votes) == 1
    total[1:][adjacent] += counts[:-1][adjacent]
    total[:-1][adjacent] += counts[1:][adjacent]
    return total

"""The same music under two names: pairs of songs that share landmarks, to be made sure of by listening."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stemwright_platform.corpus.check.fingerprint import HOPS_PER_S
from stemwright_platform.corpus.check.measurement import SongMeasure, unpacked

FEWEST_SHARED = 5
"""Landmarks at one distance in time. Measured: songs of the demo corpus share 1, copies 16 and more."""
MOST_PARTNERS = 32
"""With how many of those that have the same hash a landmark is compared."""
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
    votes, counts = np.unique(_coincidences(measures), return_counts=True)
    counts = _with_neighbours(votes, counts)
    best: dict[int, int] = {}
    for place in np.flatnonzero(counts >= FEWEST_SHARED).tolist():
        pair = int(votes[place]) // _DISTANCES
        if pair not in best or counts[place] > counts[best[pair]]:
            best[pair] = place
    return [
        Candidate(
            first=measures[pair // len(measures)].song_id,
            second=measures[pair % len(measures)].song_id,
            later_s=(int(votes[place]) % _DISTANCES - _DISTANCES // 2) / HOPS_PER_S,
            num_shared=int(counts[place]),
        )
        for pair, place in sorted(best.items())
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


def _coincidences(measures: Sequence[SongMeasure]) -> NDArray[np.int64]:
    """A number for each two equal hashes of two songs: which pair of songs, and how far apart in time."""
    marks = [unpacked(measure.landmarks, np.uint32) for measure in measures]
    songs = np.repeat(np.arange(len(marks)), [mark.shape[1] for mark in marks])
    hashes, hops = np.concatenate(marks, axis=1) if marks else np.zeros((2, 0), np.uint32)
    order = np.argsort(hashes, kind="stable")
    hashes, hops, songs = hashes[order], hops[order].astype(np.int64), songs[order]
    found = [np.zeros(0, np.int64)]
    for step in range(1, min(MOST_PARTNERS, len(hashes) - 1) + 1):
        equal = np.flatnonzero(hashes[step:] == hashes[:-step])
        equal = equal[songs[equal] != songs[equal + step]]
        distance = hops[equal + step] - hops[equal] + _DISTANCES // 2
        found.append((songs[equal] * len(marks) + songs[equal + step]) * _DISTANCES + distance)
    return np.concatenate(found)


def _with_neighbours(votes: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Each count with those of the next distances: copies need not lie a whole number of hops apart."""
    total = counts.copy()
    adjacent = np.diff(votes) == 1
    total[1:][adjacent] += counts[:-1][adjacent]
    total[:-1][adjacent] += counts[1:][adjacent]
    return total

"""Which songs go into which shard: files of equal size, decided by the manifest alone.

So a shard's content does not depend on who makes it or when, and a run that was interrupted goes on
where it stopped.
"""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stemwright_platform.corpus.manifest import Song

SHARD_S, LEAST_SHARD_S = 1800.0, 60.0
"""A shard holds half an hour: enough songs to even out. A small corpus has shorter ones, so that workers can
share it."""
SHARDS_AT_ONCE = 64
"""Songs are evened out over so many shards at a time: longer manifests keep the shards of shorter ones."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ShardPlan:
    """The songs of one file."""

    name: str
    """The shard's file name."""
    songs: tuple[Song, ...]
    """In the manifest's order. A song is never cut: one that is longer than a shard has one of its own."""

    @property
    def duration_s(self) -> float:
        return sum(song.duration_s for song in self.songs)


def plan_shards(songs: Sequence[Song]) -> list[ShardPlan]:
    """The songs in shards of equal duration, but for what a whole song is too long or too short."""
    total_s = sum(song.duration_s for song in songs)
    shard_s = min(SHARD_S, max(LEAST_SHARD_S, total_s / SHARDS_AT_ONCE))
    groups = [group for run in _runs(songs, SHARDS_AT_ONCE * shard_s) for group in _evened(run, shard_s)]
    return [
        ShardPlan(name=f"shard-{number:05d}.parquet", songs=tuple(group))
        for number, group in enumerate(groups)
    ]


def _runs(songs: Sequence[Song], duration_s: float) -> Iterator[list[Song]]:
    """Consecutive songs that last so long together; the last ones may last less."""
    run: list[Song] = []
    run_s = 0.0
    for song in songs:
        run.append(song)
        run_s += song.duration_s
        if run_s >= duration_s:
            yield run
            run, run_s = [], 0.0
    if run:
        yield run


def _evened(songs: Sequence[Song], shard_s: float) -> list[list[Song]]:
    """The songs in groups of about `shard_s`: longest first, each into the shortest group (Graham 1969)."""
    count = min(len(songs), max(1, round(sum(song.duration_s for song in songs) / shard_s)))
    shortest = [(0.0, group) for group in range(count)]
    groups: list[list[int]] = [[] for _ in range(count)]
    for place in sorted(range(len(songs)), key=lambda place: (-songs[place].duration_s, place)):
        group_s, group = heapq.heappop(shortest)
        groups[group].append(place)
        heapq.heappush(shortest, (group_s + songs[place].duration_s, group))
    return [[songs[place] for place in sorted(group)] for group in groups]

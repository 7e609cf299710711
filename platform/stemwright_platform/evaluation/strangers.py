"""Stems that were never meant for each other: the floor of every score of how stems fit.

Songs of the same tempo and key are put together, for with others even nonsense would be told apart. Where a
song has no such partner, another place of the same song is, out of step by a part of a beat: tempo, key and
sound are the same, only what is played together is not.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from stemwright_platform.evaluation.clip import Clip

TEMPO_TOLERANCE = 0.01
"""Relative; over 10 s, tempos that differ more drift apart."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stranger:
    """A track of a clip, and where it is taken from."""

    track: str
    clip: Clip
    same_song: bool
    """Whether no other song of this tempo and key was there."""


def strangers(clip: Clip, pool: Sequence[Clip], seed: int = 0) -> tuple[Stranger, ...]:
    """For each track of a clip a place to take it from: the first from the clip itself, each of the others
    from another song of the pool, by chance."""
    rng = np.random.default_rng([seed, *clip.clip.encode()])
    partners = [other for other in pool if other.song != clip.song and _alike(clip, other)]
    taken: set[str] = set()
    found = [Stranger(track=clip.tracks[0], clip=clip, same_song=False)]
    for track in clip.tracks[1:]:
        free = [other for other in partners if track in other.tracks and other.song not in taken]
        chosen = free[rng.integers(len(free))] if free else None
        if chosen is not None:
            taken.add(chosen.song)
        found.append(
            Stranger(
                track=track, clip=chosen or _elsewhere(clip, pool, rng, len(found)), same_song=chosen is None
            )
        )
    return tuple(found)


def _alike(one: Clip, other: Clip) -> bool:
    """Same key and tempo, as far as they are known."""
    if one.key is None or other.key != one.key or one.tempo_bpm is None or other.tempo_bpm is None:
        return False
    return abs(other.tempo_bpm / one.tempo_bpm - 1) <= TEMPO_TOLERANCE


def _elsewhere(clip: Clip, pool: Sequence[Clip], rng: np.random.Generator, turn: int) -> Clip:
    """Another window of the same song, where there is one, moved by a part of a beat that no grid has."""
    others = [other for other in pool if other.song == clip.song and other.clip != clip.clip]
    place = others[rng.integers(len(others))] if others else clip
    beat_s = 60 / (clip.tempo_bpm or 120)
    off_s = (turn + rng.uniform(0.2, 0.8)) * beat_s
    return replace(place, start_s=place.start_s + (off_s if place.start_s < off_s else -off_s))

"""The places of songs that an assessment is about, and what is asked for at each."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from stemwright.prompts import SongMetadata, prompt_text
from stemwright_platform.corpus.manifest import Song

MOST_VARIANTS = 200
"""Wordings that are looked through for one that asks for tempo and key."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """A part of a song."""

    song: Song
    start_s: float
    duration_s: float
    take: int = 0
    """Songs too few for windows enough are asked for more than once, each time with other noise."""
    rolled_s: float = 0.0
    """Where it begins when it is played round, as a short loop may be to be out of step with itself."""

    def __hash__(self) -> int:
        return hash(self.name)

    @property
    def name(self) -> str:
        """Of its files, its own among all windows."""
        digest = hashlib.sha256(self.song.song_id.encode()).hexdigest()[:6]
        plain = re.sub(r"[^\w.-]+", "_", self.song.song_id)
        told = plain if plain == self.song.song_id else f"{plain}-{digest}"
        told += f"_{round(self.start_s * 1000):07d}ms"
        told += f"_rolled{round(self.rolled_s * 1000):05d}ms" if self.rolled_s else ""
        return f"{told}_asked{self.take + 1}" if self.take else told

    @property
    def prompt(self) -> str:
        """In the words of training prompts, tempo and key among them where they are known."""
        return asking_prompt(self.song.metadata)

    @property
    def tracks(self) -> tuple[str, ...]:
        """Those that the song has, silent ones too."""
        return tuple(name for name, paths in self.song.tracks.items() if paths is not None)

    @property
    def tempo_bpm(self) -> float | None:
        return self.song.metadata.tempo_bpm

    @property
    def key(self) -> str | None:
        return self.song.metadata.key

    @property
    def downbeat_s(self) -> float | None:
        """The first bar line in it, from its start; None where none is known."""
        inside = [beat - self.start_s for beat in self.song.downbeats_s if beat >= self.start_s]
        return round(inside[0], 6) if inside and inside[0] < self.duration_s else None


def asking_prompt(metadata: SongMetadata) -> str:
    """The first wording that names the song's tempo and key, as far as they are known."""
    asked = [f"{metadata.tempo_bpm:.0f} bpm" if metadata.tempo_bpm else "", metadata.key or ""]
    wordings = (prompt_text(metadata, variant) for variant in range(MOST_VARIANTS))
    return next(
        (text for text in wordings if all(words in text for words in asked)), prompt_text(metadata, 0)
    )


def windows_of(songs: Sequence[Song], duration_s: float, most: int, *, seed: int = 0) -> list[Window]:
    """Up to `most` windows that never overlap; songs take turns, so that all are heard before one is twice.

    Where a song's windows begin depends on the song and the seed alone, and on no bar line.
    """
    of_songs = [[*_places(song, duration_s, seed)] for song in songs]
    turns = range(max(map(len, of_songs), default=0))
    found = [places[turn] for turn in turns for places in of_songs if turn < len(places)]
    return found[:most]


def _places(song: Song, duration_s: float, seed: int) -> Iterator[Window]:
    """As many windows as fit, apart by what is left over, by chance."""
    room = int(song.duration_s / duration_s + 1e-6)
    if not room:
        return
    rng = np.random.default_rng([seed, *song.song_id.encode()])
    gaps_s = np.sort(rng.uniform(0, song.duration_s - room * duration_s, room))
    starts_s = gaps_s + np.arange(room) * duration_s
    for place in rng.permutation(room):
        yield Window(song=song, start_s=round(float(starts_s[place]), 3), duration_s=duration_s)


def halves(windows: Sequence[Window]) -> tuple[list[Window], list[Window]]:
    """The windows of every other song, and those of the rest."""
    songs = list(dict.fromkeys(window.song.song_id for window in windows))
    first = set(songs[::2])
    mine = [window for window in windows if window.song.song_id in first]
    return mine, [window for window in windows if window.song.song_id not in first]

"""A few seconds of a held-out song: what samples are made for, and what they are compared with.

Axes: K track, D latent channel, S latent frame.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from stemwright.buckets import window_frames
from stemwright.data_mix import HELD_OUT, DataMix, Part
from stemwright.latent_dataset import Slice
from stemwright.prompts import prompt_text
from stemwright.song_index import IndexedSong

DURATION_S = 8.0
MAX_SONGS = 12
"""Songs that are looked at; reading all of a large corpus would take long."""
PLACES = (0.25, 0.4, 0.55, 0.7)
"""Where excerpts may begin, as shares of the room that a song leaves."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Excerpt:
    """Aligned latents of all tracks of a song, and its description."""

    latents: Tensor
    """As the codec made them, float32 [1, K, D, S]."""
    presence: tuple[bool, ...]
    """Which of the K tracks the song has."""
    song_id: str
    start_s: float
    prompt: str
    """In the words of training prompts."""


def choose_excerpt(data: DataMix, duration_s: float = DURATION_S) -> Excerpt | None:
    """The fullest of a few held-out places, the same at every call; None where nothing is held out.

    Fullest: as many tracks as there are, the stillest of them as lively as can be.
    """
    best: tuple[tuple[int, float], Excerpt] | None = None
    for part, song, start in _places(data, duration_s):
        excerpt = _read(part, song, start, duration_s)
        fullness = _fullness(excerpt)
        if best is None or fullness > best[0]:
            best = fullness, excerpt
    return best[1] if best else None


def _places(data: DataMix, duration_s: float) -> Iterator[tuple[Part, IndexedSong, int]]:
    """Starts in frames, whole segments of the codec, in the songs with most tracks and long enough first."""
    found = [(part, song) for part in data.parts(HELD_OUT) for song in part.songs]

    def rank(entry: tuple[Part, IndexedSong]) -> tuple[bool, int, str]:
        _, song = entry
        return song.duration_s < duration_s, -sum(song.presence), song.song_id

    for part, song in sorted(found, key=rank)[:MAX_SONGS]:
        segment = part.dataset.info.segment_frames
        room = max(0, song.num_frames - _frames(part, duration_s)) // segment
        for start in sorted({round(place * room) for place in PLACES}):
            yield part, song, start * segment


def _read(part: Part, song: IndexedSong, start: int, duration_s: float) -> Excerpt:
    length = min(_frames(part, duration_s), song.num_frames - start)
    latents = part.dataset.empty(1, length)
    part.dataset.read_slices([Slice(song.song_id, start, length)], [latents[0]])
    return Excerpt(
        latents=latents.float(),
        presence=song.presence,
        song_id=song.song_id,
        start_s=start / part.dataset.info.frame_rate_hz,
        prompt=prompt_text(song.metadata, 0),
    )


def _frames(part: Part, duration_s: float) -> int:
    info = part.dataset.info
    return window_frames(duration_s, info.frame_rate_hz, 1, info.segment_frames)


def _fullness(excerpt: Excerpt) -> tuple[int, float]:
    """Tracks, and how much the stillest of them moves: silence is constant in any codec."""
    present = torch.tensor(excerpt.presence)
    if not bool(present.any()):
        return 0, 0.0
    movement = excerpt.latents[0, present].std(-1).mean(-1)
    return int(present.sum()), float(movement.min())

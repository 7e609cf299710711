"""The clips of an evaluation: the same windows of the same songs for every system.

Songs of the split are halved: clips come from one half, and what Fréchet distances are taken to from the
other, so that real clips have a distance too, the floor of all others.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from stemwright.beat_grid import BeatGrid, grid_of_window
from stemwright.buckets import window_frames
from stemwright.errors import InputError
from stemwright.latent_dataset import LatentDataset
from stemwright.prompts import prompt_text
from stemwright.song_index import IndexedSong


@dataclass(frozen=True, kw_only=True, slots=True)
class Clip:
    """A window of a song, and what there is to know of it."""

    clip: str
    """Its name, of its folders."""
    song: str
    """song_id."""
    start_s: float
    """A whole segment of the codec begins there."""
    duration_s: float
    prompt: str
    """In the words of training prompts."""
    tracks: tuple[str, ...]
    """Those that the song has."""
    tempo_bpm: float | None
    key: str | None
    grid: BeatGrid | None = None
    """Where its bars are, where that is known and steady."""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, kw_only=True, slots=True)
class ClipChoice:
    """Which windows of a data set an evaluation is about."""

    clips: tuple[Clip, ...]
    """What every system is asked for."""
    reference: tuple[Clip, ...]
    """What Fréchet distances are taken to: of other songs, where there are two."""
    training: tuple[Clip, ...]
    """What a copy would be a copy of."""
    pool: tuple[Clip, ...]
    """Every window of every song: where stems of strangers are taken from."""


def choose_clips(
    dataset: LatentDataset,
    split: str,
    count: int,
    duration_s: float,
    *,
    reference: int = 128,
    training: int = 128,
    seed: int = 0,
) -> ClipChoice:
    """Up to so many windows of each kind; they never overlap, and songs take turns.

    Raises InputError where the split has no song of `duration_s`.
    """
    of_split = _windows(dataset, dataset.songs(split), duration_s, seed)
    if not of_split:
        raise InputError(
            f"{dataset.folder}: no song of split '{split}' lasts {duration_s:g} s: choose a shorter "
            "--duration or another --split"
        )
    songs = list(dict.fromkeys(window.song for window in of_split))
    if len(songs) > 1:
        mine = set(songs[::2])
        clips = [window for window in of_split if window.song in mine]
        others = [window for window in of_split if window.song not in mine]
    else:
        half = max(1, len(of_split) // 2)
        clips, others = of_split[:half], of_split[half:] or of_split
    return ClipChoice(
        clips=tuple(clips[:count]),
        reference=tuple(others[:reference]),
        training=tuple(_windows(dataset, dataset.songs("train"), duration_s, seed)[:training]),
        pool=tuple(_windows(dataset, dataset.songs(), duration_s, seed)),
    )


def _windows(
    dataset: LatentDataset, songs: Sequence[IndexedSong], duration_s: float, seed: int
) -> list[Clip]:
    """All windows of the songs, a song after the other and then again, each song's in an order of its own."""
    info = dataset.info
    length = window_frames(duration_s, info.frame_rate_hz, 1, info.segment_frames)
    starts = [
        np.random.default_rng([seed, *song.song_id.encode()]).permutation(song.num_frames // length) * length
        for song in songs
    ]
    rounds = max(map(len, starts), default=0)
    chosen = [
        (song, int(mine[turn]))
        for turn in range(rounds)
        for song, mine in zip(songs, starts, strict=True)
        if turn < len(mine)
    ]
    return [_clip(dataset, song, start, length) for song, start in chosen]


def _clip(dataset: LatentDataset, song: IndexedSong, start: int, length: int) -> Clip:
    rate_hz = dataset.info.frame_rate_hz
    names = dataset.info.track_names
    return Clip(
        clip=f"{_file_name(song.song_id)}_{round(start / rate_hz):04d}s",
        song=song.song_id,
        start_s=round(start / rate_hz, 6),
        duration_s=length / rate_hz,
        prompt=prompt_text(song.metadata, 0),
        tracks=tuple(name for name, there in zip(names, song.presence, strict=True) if there),
        tempo_bpm=song.metadata.tempo_bpm,
        key=song.metadata.key,
        grid=grid_of_window(song.downbeats_s, song.metadata.tempo_bpm, start / rate_hz, length / rate_hz),
    )


def _file_name(song_id: str) -> str:
    """The song's name as a folder may have it, still its own."""
    plain = re.sub(r"[^\w.-]+", "_", song_id)
    return plain if plain == song_id else f"{plain}-{hashlib.sha256(song_id.encode()).hexdigest()[:6]}"

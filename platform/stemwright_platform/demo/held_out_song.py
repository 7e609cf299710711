"""A song that the model never saw: its description is the prompt, its stems are the measure."""

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from stemwright.audio import write_audio
from stemwright.mixing import fitted, mix
from stemwright.prompts import SongMetadata
from stemwright_platform.corpus.manifest import Song
from stemwright_platform.corpus.stem_audio import read_stem

SAMPLE_RATE_HZ = 48_000
SETTLED = 1 / 3
"""Intros are thin: an excerpt begins after this share of the song, where what follows is long enough."""


def held_out_song(songs: Sequence[Song]) -> Song:
    """The first song of the test split, else the first song."""
    return next((song for song in songs if song.split == "test"), songs[0])


def described(metadata: SongMetadata) -> str:
    """A song's description in the words that training prompts use."""
    tempo = "" if metadata.tempo_bpm is None else f"{metadata.tempo_bpm:.0f} bpm"
    words = [*metadata.genres[:1], *metadata.moods[:1], *metadata.instruments, tempo, metadata.key or ""]
    return ", ".join(word for word in words if word)


def write_excerpt(song: Song, folder: Path, *, tracks: Sequence[str], duration_s: float) -> float:
    """Write `TRACK.wav` of each track that the song has, and `mix.wav`; returns where it begins, s."""
    start_s = _start_s(song, duration_s)
    folder.mkdir(parents=True, exist_ok=True)
    stems: dict[str, Tensor] = {}
    for track in tracks:
        if paths := song.tracks.get(track):
            first = round(start_s * SAMPLE_RATE_HZ)
            stems[track] = fitted(
                read_stem(paths, SAMPLE_RATE_HZ)[:, first:], round(duration_s * SAMPLE_RATE_HZ)
            )
            write_audio(folder / f"{track}.wav", stems[track], SAMPLE_RATE_HZ)
    write_audio(folder / "mix.wav", mix(stems.values()), SAMPLE_RATE_HZ)
    return start_s


def _start_s(song: Song, duration_s: float) -> float:
    """A downbeat, such that the whole excerpt fits."""
    fitting = [beat for beat in song.downbeats_s if beat + duration_s <= song.duration_s]
    settled_s = SETTLED * song.duration_s
    return next((beat for beat in fitting if beat >= settled_s), fitting[-1] if fitting else 0.0)

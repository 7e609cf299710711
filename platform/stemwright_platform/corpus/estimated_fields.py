"""The fields of a song that can be estimated from its audio: which it lacks, and filling them in."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from stemwright_platform.corpus.manifest import Song


def missing_fields(song: Song) -> tuple[str, ...]:
    """What of tempo_bpm, key and downbeats_s the song does not have."""
    return tuple(name for name, value in _values(song).items() if not value)


def with_fields(song: Song, found: Mapping[str, Any]) -> Song:
    """The song with those of the fields that it lacks, named in `estimated`; what it has is never changed."""
    taken = {name: found[name] for name in missing_fields(song) if found.get(name)}
    named = {name: value for name, value in taken.items() if name != "downbeats_s"}
    return replace(
        song,
        metadata=replace(song.metadata, **named),
        downbeats_s=taken.get("downbeats_s", song.downbeats_s),
        estimated=tuple(dict.fromkeys((*song.estimated, *taken))),
    )


def with_earlier_estimates(songs: Sequence[Song], earlier: Sequence[Song]) -> list[Song]:
    """The songs with what an earlier manifest of the same audio has estimated for them."""
    known = {song.song_id: song for song in earlier if song.estimated}
    return [
        with_fields(song, {name: _values(before)[name] for name in before.estimated})
        if (before := known.get(song.song_id)) and before.tracks == song.tracks
        else song
        for song in songs
    ]


def _values(song: Song) -> dict[str, Any]:
    return {
        "tempo_bpm": song.metadata.tempo_bpm,
        "key": song.metadata.key,
        "downbeats_s": song.downbeats_s,
    }

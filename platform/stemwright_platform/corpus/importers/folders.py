"""Importer for any tree with one folder a song that holds bass, drums, instrument or melody audio."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import soundfile

from stemwright.errors import InputError
from stemwright.prompts import SongMetadata
from stemwright.tracks import TRACKS, Tracks
from stemwright_platform.corpus.manifest import Song, split_of, with_both_splits

AUDIO_SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")
METADATA = "metadata.json"
MIX_NAMES = ("mix", "mixture")


@dataclass(frozen=True, slots=True)
class Rejection:
    """A song that cannot be used."""

    song_id: str
    reason: str
    """One line that names the file."""


def import_folders(source: str | Path, tracks: Tracks = TRACKS) -> tuple[list[Song], list[Rejection]]:
    """The songs below a folder, in order of their names, and those that were rejected.

    A song is a folder with at least one file named as a track, in any case: "Bass.wav". Tracks may be
    missing and of unequal length: the longest one is the song's, shorter ones end in silence. Optional
    beside them: mix.* and metadata.json with any of the manifest's fields.
    Raises InputError where there is no folder or no song in it.
    """
    source = Path(source)
    if not source.is_dir():
        raise InputError(f"{source} is not a folder: give one that holds a folder for each song")
    songs: list[Song] = []
    rejected: list[Rejection] = []
    brings_splits = False
    for folder, files in _song_folders(source, tracks):
        song_id = folder.relative_to(source).as_posix() if folder != source else source.resolve().name
        try:
            fields = _fields(folder)
            songs.append(_song(song_id, fields, files, tracks))
            brings_splits = brings_splits or "split" in fields
        except InputError as error:
            rejected.append(Rejection(song_id, str(error)))
    if not songs and not rejected:
        wanted = ", ".join(tracks.names)
        raise InputError(
            f"no songs below {source}: it needs folders with files named {wanted} (WAV, FLAC, …)"
        )
    return (songs if brings_splits else with_both_splits(songs)), rejected


def _song_folders(source: Path, tracks: Tracks) -> Iterator[tuple[Path, dict[str, list[Path]]]]:
    """Folders with a track in them, each with its audio files by name in small letters."""
    for root, folders, names in os.walk(source):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        files: dict[str, list[Path]] = {}
        for path in sorted(Path(root) / name for name in names):
            if path.suffix.lower() in AUDIO_SUFFIXES and not path.name.startswith("."):
                files.setdefault(path.stem.lower(), []).append(path)
        if any(name in files for name in tracks.names):
            yield Path(root), files


def _song(song_id: str, fields: dict[str, Any], files: dict[str, list[Path]], tracks: Tracks) -> Song:
    found = {name: _only(files.get(name, [])) for name in tracks.names}
    infos = [_info(path) for path in found.values() if path]
    mixes = [path for name in MIX_NAMES for path in files.get(name, [])]
    return Song(
        song_id=song_id,
        split=fields.get("split") or split_of(song_id),
        duration_s=max(info.frames / info.samplerate for info in infos),
        sample_rate_hz=max(info.samplerate for info in infos),
        tracks={name: (str(path.absolute()),) if path else None for name, path in found.items()},
        mix_path=str(mixes[0].absolute()) if mixes else None,
        metadata=SongMetadata.from_fields(fields),
        downbeats_s=_downbeats(fields.get("downbeats_s")),
        source=str(fields.get("source") or "folders"),
        licence=str(fields.get("licence") or "unknown"),
    )


def _only(paths: list[Path]) -> Path | None:
    if len(paths) > 1:
        raise InputError(f"{paths[0]} and {paths[1].name} are the same track: keep one of them")
    return paths[0] if paths else None


def _info(path: Path) -> Any:
    """What the file's header says; soundfile has no public name for its type."""
    try:
        info = soundfile.info(path)
    except (soundfile.SoundFileError, OSError, ValueError, TypeError):
        raise InputError(f"{path} is not audio that can be read: use WAV, FLAC, OGG or MP3") from None
    if info.frames <= 0:
        raise InputError(f"{path} has no samples: export it again")
    return info


def _fields(folder: Path) -> dict[str, Any]:
    """The song's metadata.json; empty where there is none."""
    path = folder / METADATA
    if not path.is_file():
        return {}
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is not JSON: {error}") from None
    if not isinstance(fields, dict):
        raise InputError(f'{path} must hold one object, as {{"genres": ["blues"], "tempo_bpm": 72}}')
    return fields


def _downbeats(value: Any) -> tuple[float, ...]:
    try:
        return tuple(float(beat) for beat in value or ())
    except (TypeError, ValueError):
        raise InputError(f"downbeats_s must be a list of seconds, got {value!r}") from None

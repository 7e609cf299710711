"""Importer for any tree with one folder a song that holds bass, drums, instrument or melody audio."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stemwright.errors import InputError
from stemwright.prompts import SongMetadata
from stemwright.tracks import TRACKS, Tracks
from stemwright_platform.corpus.importers.intake import Intake, Progress, read_each, say_nothing
from stemwright_platform.corpus.importers.slot_map import SlotMap, SlotRule, load_slots
from stemwright_platform.corpus.importers.stem import Origin, Stem, song_of_stems
from stemwright_platform.corpus.manifest import Song, split_of, with_both_splits

AUDIO_SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")
METADATA = "metadata.json"
MIX_NAMES = ("mix", "mixture")
FIELDS = ("name",)
ORIGIN = Origin(source="folders", licence="unknown", complete=False)


@dataclass(frozen=True, slots=True)
class _SongFolder:
    song_id: str
    folder: Path
    files: dict[str, list[Path]]
    """Audio files by their names in small letters, without suffix."""


def import_folders(
    source: str | Path,
    *,
    slots: str | Path | None = None,
    licence: str = ORIGIN.licence,
    tracks: Tracks = TRACKS,
    progress: Progress = say_nothing,
) -> Intake:
    """The songs below a folder, in order of their names, and those that were rejected.

    A song is a folder with at least one file named as a track, in any case: "Bass.wav"; `slots`, a YAML
    file of slot rules, gives other names. Tracks may be missing and of unequal length: the longest one is
    the song's, shorter ones end in silence. Optional beside them: mix.* and metadata.json with any of the
    manifest's fields. `licence`: that of songs whose metadata.json names none.
    Raises InputError where there is no folder or no song in it, or for bad rules.
    """
    source = Path(source)
    if not source.is_dir():
        raise InputError(f"{source} is not a folder: give one that holds a folder for each song")
    slot_map = (
        _named_tracks(tracks)
        if slots is None
        else load_slots(slots, corpus="folders", fields=FIELDS, tracks=tracks)
    )
    folders = list(_song_folders(source, slot_map))
    if not folders:
        wanted = (
            "files that a rule names" if slots else f"files named {', '.join(tracks.names)} (WAV, FLAC, …)"
        )
        raise InputError(f"no songs below {source}: it needs folders with {wanted}")
    origin = replace(ORIGIN, licence=licence)
    found, rejected = read_each(
        [(one.song_id, one) for one in folders], lambda one: _read(one, slot_map, origin), progress=progress
    )
    songs = [song for song, _ in found]
    brings_splits = any(brought for _, brought in found)
    return Intake(songs if brings_splits else with_both_splits(songs), rejected)


def _named_tracks(tracks: Tracks) -> SlotMap:
    """A file named as a track is that track."""
    rules = [SlotRule(slot=name, wanted={"name": (name.casefold(),)}) for name in tracks.names]
    return SlotMap(rules=tuple(rules), tracks=tracks)


def _song_folders(source: Path, slot_map: SlotMap) -> Iterator[_SongFolder]:
    """Folders with a file that a rule takes."""
    for root, folders, names in os.walk(source):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        folder = Path(root)
        files: dict[str, list[Path]] = {}
        for path in sorted(folder / name for name in names):
            if path.suffix.lower() in AUDIO_SUFFIXES and not path.name.startswith("."):
                files.setdefault(path.stem.lower(), []).append(path)
        if any(slot_map.slots([{"name": name} for name in files])):
            song_id = folder.relative_to(source).as_posix() if folder != source else source.resolve().name
            yield _SongFolder(song_id, folder, files)


def _read(one: _SongFolder, slot_map: SlotMap, origin: Origin) -> tuple[Song, bool]:
    """The song, and whether its metadata names its split."""
    fields = _fields(one.folder)
    taken = slot_map.slots([{"name": name} for name in one.files])
    stems = [
        Stem(path=_only(paths), facts={"name": name})
        for (name, paths), slot in zip(one.files.items(), taken, strict=True)
        if slot is not None
    ]
    mixes = [path for name in MIX_NAMES for path in one.files.get(name, [])]
    song = song_of_stems(
        one.song_id,
        stems,
        slot_map,
        replace(
            origin,
            source=str(fields.get("source") or origin.source),
            licence=str(fields.get("licence") or origin.licence),
        ),
        folder=one.folder,
        split=fields.get("split") or split_of(one.song_id),
        metadata=SongMetadata.from_fields(fields),
        mix=mixes[0] if mixes else None,
        downbeats_s=_downbeats(fields.get("downbeats_s")),
    )
    return song, "split" in fields


def _only(paths: list[Path]) -> Path:
    if len(paths) > 1:
        raise InputError(f"{paths[0]} and {paths[1].name} are the same track: keep one of them")
    return paths[0]


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

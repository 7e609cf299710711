"""Importer of MoisesDB (https://music.ai/research).

moisesdb/moisesdb_v0.1/<uuid>/{data.json, <stemName>/<id>.<extension>}
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from stemwright.errors import InputError
from stemwright.prompts import SongMetadata
from stemwright.tracks import TRACKS, Tracks
from stemwright_platform.corpus.importers.intake import Intake, Progress, read_each, say_nothing
from stemwright_platform.corpus.importers.slot_map import SlotMap, load_slots
from stemwright_platform.corpus.importers.stem import Origin, Stem, song_of_stems
from stemwright_platform.corpus.manifest import Song, split_of, with_both_splits

FIELDS = ("stem", "track_type", "has_bleed")
ORIGIN = Origin(source="MoisesDB", licence="CC-BY-NC-SA-4.0")
DATA = "data.json"

WORDS: dict[str, str] = {
    "a tonal percussion": "percussion",
    "banjo": "plucked strings",
    "bass synthesizer": "synth bass",
    "bassoon": "bassoon",
    "brass": "brass",
    "cello solo": "cello",
    "contrabass": "double bass",
    "cymbals": "drums",
    "electric piano": "electric piano",
    "flutes": "flutes",
    "full acoustic drumkit": "acoustic drums",
    "fx": "sound effects",
    "hi hat": "drums",
    "human choir": "choir",
    "kick drum": "drums",
    "lap steel guitar": "slide guitar",
    "lead female singer": "female vocals",
    "lead male singer": "male vocals",
    "organ": "organ",
    "other sounds": "keyboards",
    "other strings": "strings",
    "other vocoder": "vocals",
    "other wind": "winds",
    "overheads": "drums",
    "pitched percussion": "mallets",
    "reeds": "reeds",
    "snare drum": "drums",
    "string section": "strings",
    "toms": "drums",
    "tuba": "tuba",
    "viola solo": "viola",
    "violin solo": "violin",
}
"""How a trackType begins → what prompts call it, where that is not the trackType itself."""


def import_moisesdb(
    source: str | Path,
    *,
    slots: str | Path | None = None,
    tracks: Tracks = TRACKS,
    progress: Progress = say_nothing,
) -> Intake:
    """The songs of a MoisesDB tree; it has no split of its own, so that a stable hash parts it 80/20.

    `slots`: a YAML file of slot rules in place of the shipped ones. Raises InputError where there is no
    song, or for bad rules; bad songs are rejected.
    """
    slot_map = load_slots(slots, corpus="moisesdb", fields=FIELDS, tracks=tracks)
    folders = _song_folders(Path(source))
    if not folders:
        raise InputError(f"no songs below {source}: it needs moisesdb_v0.1 with a folder and {DATA} a song")
    songs, rejected = read_each(
        [(folder.name, folder) for folder in folders],
        lambda folder: _read(folder, slot_map),
        progress=progress,
    )
    return Intake(with_both_splits(songs), rejected)


def _song_folders(source: Path) -> list[Path]:
    """All folders beside one that holds a data.json: in the source, or in a folder of it."""
    if not source.is_dir():
        raise InputError(f"{source} is not a folder: give the one that holds moisesdb_v0.1")
    places = [source, *(path for path in sorted(source.glob("*")) if path.is_dir())]
    return [
        folder
        for place in places
        if any(place.glob(f"*/{DATA}"))
        for folder in sorted(place.glob("*"))
        if folder.is_dir() and not folder.name.startswith(".")
    ]


def _read(folder: Path, slot_map: SlotMap) -> Song:
    known = _data(folder / DATA)
    tracks = list(_tracks(folder / DATA, known))
    genre = str(known.get("genre") or "").replace("_", " ").strip().lower()
    stems = [_stem(folder, name, track) for name, track in tracks]
    bleeding = [stem.path.relative_to(folder) for stem in stems if stem.facts["has_bleed"] == "true"]
    return song_of_stems(
        folder.name,
        stems,
        slot_map,
        ORIGIN,
        folder=folder,
        split=split_of(folder.name),
        metadata=SongMetadata(genres=(genre,) if genre else ()),
        notes=[f"{path} has bleed of other instruments" for path in bleeding],
    )


def _data(path: Path) -> dict[str, Any]:
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path} is missing: copy it again") from None
    except ValueError as error:
        raise InputError(f"{path} is not JSON: {error}") from None
    if not isinstance(known, dict) or not isinstance(known.get("stems"), list):
        raise InputError(f"{path} lists no stems: copy it again")
    return known


def _tracks(path: Path, known: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The recordings of a song, each with the name of its stem, which is that of its folder."""
    for stem in known["stems"]:
        recordings = stem.get("tracks") if isinstance(stem, dict) else None
        if not isinstance(recordings, list) or not isinstance(stem.get("stemName"), str):
            raise InputError(f"{path}: a stem has no stemName or no tracks: copy it again")
        for recording in recordings:
            if not isinstance(recording, dict) or not recording.get("id") or not recording.get("extension"):
                raise InputError(f"{path}: a track of {stem['stemName']} has no id or extension")
            yield stem["stemName"], recording


def _stem(folder: Path, name: str, track: Mapping[str, Any]) -> Stem:
    track_type = str(track.get("trackType") or "")
    return Stem(
        path=folder / name / f"{track['id']}.{track['extension']}",
        facts={
            "stem": name,
            "track_type": track_type,
            "has_bleed": "true" if track.get("has_bleed") else "false",
        },
        words=_words(track_type) or name.replace("_", " "),
    )


def _words(track_type: str) -> str:
    plain = re.sub(r"[\W_]+", " ", track_type.lower()).strip()
    found = [words for start, words in WORDS.items() if plain.startswith(start)]
    return found[0] if found else plain

"""The folder of a song that was made here: FLAC files and a record of what it is and how it was made."""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import soundfile

from stemwright.prompts import SongMetadata
from stemwright_platform.corpus.manifest import Song, Split
from stemwright_platform.corpus.synthesis.effects import Audio
from stemwright_platform.corpus.synthesis.sound_font import SAMPLE_RATE_HZ

RECORD = "metadata.json"
"""What the song is, in the form that the folders importer reads, with the settings that made it."""


def make_folder(home: Path, settings: Mapping[str, Any], write: Callable[[Path], None]) -> None:
    """Have `write` fill a folder that becomes `home`, whole or not at all; one of equal settings is kept."""
    if is_made(home, settings):
        return
    partial = home.with_name(f".{home.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        write(partial)
        shutil.rmtree(home, ignore_errors=True)
        partial.rename(home)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def is_made(home: Path, settings: Mapping[str, Any]) -> bool:
    """Whether the song is there, made with these settings."""
    try:
        return read_record(home)["settings"] == settings
    except (OSError, ValueError, KeyError, TypeError):
        return False


def read_record(home: Path) -> dict[str, Any]:
    """What the song's maker wrote about it."""
    return json.loads((home / RECORD).read_text(encoding="utf-8"))


def write_record(home: Path, record: Mapping[str, Any]) -> None:
    """`settings`, which `is_made` compares, and all that `made_song` and the folders importer read."""
    (home / RECORD).write_text(json.dumps(record, indent=1), encoding="utf-8")


def write_flac(path: Path, audio: Audio) -> None:
    """`[2, n]` at 48 kHz, 16 bits."""
    soundfile.write(path, audio.T, SAMPLE_RATE_HZ, subtype="PCM_16", format="FLAC", compression_level=0.2)


def made_song(home: Path, song_id: str, split: Split) -> Song:
    """The song in `home` as the manifest has it: `TRACK.flac`, `mix.flac` and what the record says."""
    record = read_record(home)
    return Song(
        song_id=song_id,
        split=split,
        duration_s=record["duration_s"],
        sample_rate_hz=SAMPLE_RATE_HZ,
        tracks={name: (str(home / f"{name}.flac"),) for name in record["tracks"]}
        | dict.fromkeys(record["silent_tracks"], ()),
        mix_path=str(home / "mix.flac"),
        metadata=SongMetadata.from_fields(record),
        downbeats_s=tuple(record["downbeats_s"]),
        source=record["source"],
        licence=record["licence"],
        notes=tuple(record.get("notes", ())),
    )

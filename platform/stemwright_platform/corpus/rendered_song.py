"""A song that was rendered into a folder of its own, as the manifest has it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stemwright.prompts import SongMetadata
from stemwright_platform.corpus.manifest import Song, Split
from stemwright_platform.corpus.synthesis.sound_font import SAMPLE_RATE_HZ


def rendered_song(home: Path, song_id: str, split: Split, record: Mapping[str, Any]) -> Song:
    """The song in `home`: `TRACK.flac`, `mix.flac` and the record that its maker left beside them."""
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

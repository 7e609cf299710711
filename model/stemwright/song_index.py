"""songs.parquet: a row a song of a prepared data set. Readers need it alone to know where everything lies."""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from stemwright.data_folder import DataFolder
from stemwright.errors import InputError
from stemwright.prompts import SongMetadata

FILE_NAME = "songs.parquet"
STRINGS = pa.list_(pa.string())
SCHEMA = pa.schema(
    [
        ("song_id", pa.string()),
        ("split", pa.string()),
        ("shard", pa.int32()),
        ("row_group", pa.int32()),
        ("num_frames", pa.int64()),
        ("duration_s", pa.float64()),
        ("presence", pa.list_(pa.bool_())),
        ("gains_db", pa.list_(pa.float32())),
        ("licence", pa.string()),
        ("source", pa.string()),
        ("genres", STRINGS),
        ("instruments", STRINGS),
        ("moods", STRINGS),
        ("tempo_bpm", pa.float64()),
        ("key", pa.string()),
        ("keywords", STRINGS),
        ("themes", STRINGS),
        ("downbeats_s", pa.list_(pa.float64())),
    ]
)
PROMPT_FIELDS = tuple(field.name for field in fields(SongMetadata))


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexedSong:
    """All of a prepared song but its latents, and where those lie. Axes: K track."""

    song_id: str
    split: str
    """"train", "validation" or "test"."""
    shard: int
    """Which of dataset.json's shards holds the song, counted from 0."""
    row_group: int
    """First of the song's row groups there: one a chunk, consecutive, all of `chunk_frames` but the last."""
    num_frames: int
    """Length in latent frames."""
    duration_s: float
    """Length of the audio, the longest stem's."""
    presence: tuple[bool, ...]
    """[K], false where the song lacks the track; its latents are zero."""
    gains_db: tuple[float, ...]
    """[K], what was added to each stem; subtract it to hear the song as recorded. Kept as float32."""
    licence: str
    source: str
    """The corpus it comes from."""
    metadata: SongMetadata
    """What prompts are made from."""
    downbeats_s: tuple[float, ...] = ()
    """Where bars begin; empty where that is not known."""


def write_song_index(folder: str | os.PathLike[str] | DataFolder, songs: Sequence[IndexedSong]) -> None:
    """Write the songs.parquet of a folder (a path or URL) that is there, whole or not at all."""
    rows = [_row(song) for song in songs]
    with DataFolder.of(folder).writing(FILE_NAME) as path:
        pq.write_table(pa.Table.from_pylist(rows, SCHEMA), path)


def read_song_index(folder: str | os.PathLike[str] | DataFolder) -> tuple[IndexedSong, ...]:
    """The songs of the folder's songs.parquet, in its order. InputError where it is missing or broken."""
    try:
        content = DataFolder.of(folder).read(FILE_NAME)
        table = pq.read_table(pa.BufferReader(content), schema=SCHEMA)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"cannot read {FILE_NAME} of {folder} ({error}): prepare again") from None
    columns = [table.column(name).to_pylist() for name in SCHEMA.names]
    return tuple(_song(dict(zip(SCHEMA.names, values, strict=True))) for values in zip(*columns, strict=True))


def _row(song: IndexedSong) -> dict[str, Any]:
    facts = asdict(song)
    metadata = facts.pop("metadata")
    return facts | metadata


def _song(row: dict[str, Any]) -> IndexedSong:
    facts = {name: _frozen(value) for name, value in row.items()}
    # from_fields would clean once more what was clean when written: half the time of a large index
    facts["downbeats_s"] = facts["downbeats_s"] or ()  # indexes of older releases have none
    metadata = SongMetadata(**{name: facts.pop(name) for name in PROMPT_FIELDS})
    return IndexedSong(**facts, metadata=metadata)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value

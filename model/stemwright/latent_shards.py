"""Latents on disk: Parquet shards of fixed-length chunks, written once and read at random.

Axes: K track, D latent channel, S latent frame.
"""

import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor

from stemwright.dataset_info import DatasetInfo
from stemwright.errors import InputError
from stemwright.latent_stats import LatentStats
from stemwright.prompts import SongMetadata

STRINGS = pa.list_(pa.string())
SCHEMA = pa.schema(
    [
        ("song_id", pa.string()),
        ("split", pa.string()),
        ("chunk", pa.int32()),
        ("start_frame", pa.int64()),
        ("num_frames", pa.int32()),
        ("latents", pa.binary()),
        ("presence", pa.list_(pa.bool_())),
        ("gains_db", pa.list_(pa.float32())),
        ("genres", STRINGS),
        ("instruments", STRINGS),
        ("moods", STRINGS),
        ("tempo_bpm", pa.float64()),
        ("key", pa.string()),
        ("keywords", STRINGS),
        ("themes", STRINGS),
    ]
)
"""`latents`: float16 [K, D, S] in C order, S = num_frames. One row, and one row group, a chunk."""
INDEX_COLUMNS = [name for name in SCHEMA.names if name != "latents"]
MAX_OPEN_SHARDS = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class LatentSong:
    """All of a song but its latents."""

    song_id: str
    split: str
    """"train" or "test"."""
    presence: tuple[bool, ...]
    """[K], false where the song lacks the track; its latents are zero."""
    gains_db: tuple[float, ...]
    """[K], what was added to each stem; subtract it to hear the song as recorded."""
    metadata: SongMetadata
    """What prompts are made from."""


class ShardWriter:
    """Writes one shard. Leaving the `with` block by an error leaves no file of that name."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._temporary = self.path.with_name(f".{self.path.name}.tmp")
        self._writer = pq.ParquetWriter(
            self._temporary,
            SCHEMA,
            compression="none",
            use_dictionary=False,
            write_statistics=False,  # of a binary column they would repeat the latents twice in the footer
        )

    def write(self, song: LatentSong, *, chunk: int, start_frame: int, latents: Tensor) -> None:
        """Append a chunk: latents `[K, D, S]`, kept as float16."""
        values = latents.to(torch.float16).contiguous().numpy()
        row = {
            "song_id": song.song_id,
            "split": song.split,
            "chunk": chunk,
            "start_frame": start_frame,
            "num_frames": values.shape[-1],
            "latents": values.tobytes(),
            "presence": song.presence,
            "gains_db": song.gains_db,
            **asdict(song.metadata),
        }
        self._writer.write_table(pa.Table.from_pylist([row], SCHEMA))

    def note(self, entries: dict[str, str]) -> None:
        """Keep key-value notes in the shard's footer; `read_notes` finds them."""
        self._writer.add_key_value_metadata(entries)

    def __enter__(self) -> "ShardWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._writer.close()
            if error is None:
                os.replace(self._temporary, self.path)
        finally:
            self._temporary.unlink(missing_ok=True)


def read_notes(path: str | Path) -> dict[str, str]:
    """The notes of a shard; empty where there is no such shard or it is not whole."""
    try:
        metadata = pq.read_metadata(path).metadata or {}
    except (OSError, pa.ArrowInvalid):
        return {}
    return {key.decode(): value.decode() for key, value in metadata.items()}


@dataclass(frozen=True, slots=True)
class ChunkPlace:
    """Where a chunk lies."""

    shard: int
    row_group: int
    start_frame: int
    num_frames: int


class LatentDataset:
    """A prepared data set: its songs and any slice of their latents. Pickles light, opens shards lazily."""

    def __init__(self, folder: str | Path) -> None:
        """Read dataset.json and the index columns. InputError where the folder is not a whole data set."""
        self.folder = Path(folder)
        self.info = DatasetInfo.load(folder)
        self._songs: dict[str, LatentSong] = {}
        self._places: dict[str, list[ChunkPlace]] = {}
        for shard, name in enumerate(self.info.shards):
            self._index(shard, self.folder / name)
        for song_id, places in self._places.items():
            places.sort(key=lambda place: place.start_frame)
            self._check_contiguous(song_id, places)
        self._forget_files()

    def songs(self, split: str | None = None) -> tuple[LatentSong, ...]:
        """Songs of a split (of every split by default), ordered by name."""
        return tuple(
            self._songs[song_id]
            for song_id in sorted(self._songs)
            if split in (None, self._songs[song_id].split)
        )

    def num_frames(self, song_id: str) -> int:
        """Length of a song in latent frames."""
        last = self._places[song_id][-1]
        return last.start_frame + last.num_frames

    def stats(self) -> LatentStats:
        """The statistics of the training split."""
        return LatentStats.load(self.folder / self.info.stats)

    def read(self, song_id: str, start_frame: int, num_frames: int) -> Tensor:
        """Latents `[K, D, S]`, float32, S = num_frames; the slice must lie within the song."""
        end_frame = start_frame + num_frames
        assert 0 <= start_frame < end_frame <= self.num_frames(song_id)
        out = np.empty((len(self.info.track_names), self.info.latent_dim, num_frames), np.float32)
        for place in self._places[song_id]:
            first = max(start_frame, place.start_frame)
            last = min(end_frame, place.start_frame + place.num_frames)
            if first < last:
                chunk = self._read_chunk(place)[..., first - place.start_frame : last - place.start_frame]
                out[..., first - start_frame : last - start_frame] = chunk
        return torch.from_numpy(out)

    def _read_chunk(self, place: ChunkPlace) -> np.ndarray:
        with self._lock:
            table = self._file(place.shard).read_row_group(place.row_group, columns=["latents"])
        buffer = table.column(0).chunk(0)[0].as_buffer()
        shape = (len(self.info.track_names), self.info.latent_dim, place.num_frames)
        return np.frombuffer(buffer, np.float16).reshape(shape)

    def _file(self, shard: int) -> pq.ParquetFile:
        if shard not in self._files:
            self._files[shard] = pq.ParquetFile(self.folder / self.info.shards[shard], memory_map=True)
            if len(self._files) > MAX_OPEN_SHARDS:
                self._files.popitem(last=False)[1].close()
        self._files.move_to_end(shard)
        return self._files[shard]

    def _index(self, shard: int, path: Path) -> None:
        try:
            rows = pq.read_table(path, columns=INDEX_COLUMNS).to_pylist()
        except (OSError, pa.ArrowException) as error:
            raise InputError(f"cannot read the shard {path} ({error}): prepare again") from None
        for row_group, row in enumerate(rows):
            song_id = row["song_id"]
            if song_id not in self._songs:
                self._songs[song_id] = _song(row)
                self._places[song_id] = []
            self._places[song_id].append(ChunkPlace(shard, row_group, row["start_frame"], row["num_frames"]))

    def _check_contiguous(self, song_id: str, places: Sequence[ChunkPlace]) -> None:
        ends = [0, *(place.start_frame + place.num_frames for place in places)]
        if any(place.start_frame != end for place, end in zip(places, ends, strict=False)):
            raise InputError(f"{self.folder}: song '{song_id}' has missing chunks: prepare again")

    def _forget_files(self) -> None:
        self._files: OrderedDict[int, pq.ParquetFile] = OrderedDict()
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("_files", "_lock")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._forget_files()


def _song(row: dict[str, Any]) -> LatentSong:
    return LatentSong(
        song_id=row["song_id"],
        split=row["split"],
        presence=tuple(row["presence"]),
        gains_db=tuple(row["gains_db"]),
        metadata=SongMetadata.from_fields(row),
    )

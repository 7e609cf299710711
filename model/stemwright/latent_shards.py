"""Latents on disk: Parquet shards of fixed-length chunks, written once and read at random.

Axes: K track, D latent channel, S latent frame.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor

from stemwright.data_folder import DataFolder
from stemwright.prompts import SongMetadata
from stemwright.quantisation import quantise

STRINGS = pa.list_(pa.string())
SCHEMA = pa.schema(
    [
        ("song_id", pa.string()),
        ("split", pa.string()),
        ("chunk", pa.int32()),
        ("start_frame", pa.int64()),
        ("num_frames", pa.int32()),
        ("latents", pa.binary()),
        ("scale", pa.binary()),
        ("offset", pa.binary()),
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
"""`latents`: float16 or uint8 [K, D, S] in C order, S = num_frames; `scale` and `offset`: float16 [K, D],
null where the latents are float16. One row, and one row group, a chunk."""


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
    """Writes one shard, a chunk at a time."""

    def __init__(self, path: str | Path, storage: str = "float16") -> None:
        """`storage`: "float16" or "int8"."""
        self.num_chunks = 0
        """Written so far: the next chunk's row group."""
        self._storage = storage
        self._writer = pq.ParquetWriter(
            path,
            SCHEMA,
            compression="none",
            use_dictionary=False,
            write_statistics=False,  # of a binary column they would repeat the latents twice in the footer
        )

    def write(self, song: LatentSong, *, chunk: int, start_frame: int, latents: Tensor) -> None:
        """Append a chunk: latents `[K, D, S]`."""
        row = {
            "song_id": song.song_id,
            "split": song.split,
            "chunk": chunk,
            "start_frame": start_frame,
            "num_frames": latents.shape[-1],
            "presence": song.presence,
            "gains_db": song.gains_db,
            **_stored(latents, self._storage),
            **asdict(song.metadata),
        }
        self._writer.write_table(pa.Table.from_pylist([row], SCHEMA))
        self.num_chunks += 1

    def note(self, entries: dict[str, str]) -> None:
        """Keep key-value notes in the shard's footer; `read_notes` finds them."""
        self._writer.add_key_value_metadata(entries)

    def __enter__(self) -> "ShardWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()


def read_notes(folder: DataFolder, name: str) -> dict[str, str]:
    """The notes of a shard; empty where there is no such shard or it is not whole."""
    try:
        with folder.open(name) as file:
            metadata = pq.read_metadata(file).metadata or {}
    except (OSError, pa.ArrowInvalid):
        return {}
    return {key.decode(): value.decode() for key, value in metadata.items()}


def _stored(latents: Tensor, storage: str) -> dict[str, bytes]:
    """The columns that hold a chunk's latents."""
    if storage == "float16":
        return {"latents": latents.to(torch.float16).contiguous().numpy().tobytes()}
    levels, scale, offset = (part.contiguous().numpy().tobytes() for part in quantise(latents.float()))
    return {"latents": levels, "scale": scale, "offset": offset}

"""Where in a shard's file its values lie, so that a reader takes the bytes it needs and no more.

A chunk is a row group of one row; columns are neither compressed nor encoded, so the value of a binary column
is the last of its column chunk's bytes, with its length in four bytes before it.

Axes: G chunk (row group).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

COLUMNS = ("latents", "scale", "offset")
PREFIX_BYTES = 4
TAIL_BYTES = 8
"""A Parquet file ends in the length of its footer and four letters."""


@dataclass(frozen=True, slots=True)
class ShardLayout:
    """Byte positions of a shard's values."""

    ends: NDArray[np.int64]
    """[G, 3], where the value of each of COLUMNS ends."""

    @classmethod
    def of(cls, footer: Any) -> "ShardLayout":
        """Read the layout from a buffer that ends as the file does and holds its whole footer.

        Raises ValueError (pyarrow.ArrowInvalid is one) where it is no shard.
        """
        metadata = pq.read_metadata(pa.BufferReader(footer))
        names = [metadata.schema.column(number).path for number in range(metadata.num_columns)]
        if missing := [name for name in COLUMNS if name not in names]:
            raise ValueError(f"it has no column '{missing[0]}'")
        numbers = [names.index(name) for name in COLUMNS]
        groups = [metadata.row_group(group) for group in range(metadata.num_row_groups)]
        ends = [[_end(group, number) for number in numbers] for group in groups]
        return cls(np.array(ends, np.int64).reshape(-1, len(COLUMNS)))

    def start(self, chunk: int, num_bytes: int) -> int:
        """Where a chunk's latents of so many bytes begin, with their length before them."""
        return int(self.ends[chunk, 0]) - num_bytes - PREFIX_BYTES

    def end(self, chunk: int, *, quantised: bool) -> int:
        """Where a chunk's latents end, or with `quantised` their scale and offset."""
        return int(self.ends[chunk].max()) if quantised else int(self.ends[chunk, 0])


def footer_bytes(tail: Any) -> int:
    """How many bytes at a file's end its footer takes, by the file's last TAIL_BYTES."""
    return int.from_bytes(tail[-TAIL_BYTES:-4], "little") + TAIL_BYTES


def _end(group: Any, number: int) -> int:
    column = group.column(number)
    if column.compression != "UNCOMPRESSED" or column.has_dictionary_page or group.num_rows != 1:
        raise ValueError("it was written by another program")
    return column.data_page_offset + column.total_compressed_size

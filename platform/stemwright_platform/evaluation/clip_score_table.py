"""clip_scores.parquet: every score of every clip, written as it comes."""

import os
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from stemwright.errors import InputError
from stemwright_platform.evaluation.clip_scoring import ClipScore

FILE_NAME = "clip_scores.parquet"
_WORD = pa.dictionary(pa.int32(), pa.string())
SCHEMA = pa.schema(
    [
        ("system", _WORD),
        ("task", _WORD),
        ("clip", _WORD),
        ("score", _WORD),
        ("part", _WORD),
        ("value", pa.float64()),
    ]
)
ROWS_AT_ONCE = 50_000


class ClipScoreWriter:
    """Rows in any number, few of them in memory; the file appears whole, when the block ends."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME
        self._partial = folder / f".{FILE_NAME}.{os.getpid()}"
        self._rows: list[tuple[str, str, str, str, str, float]] = []

    def add(self, system: str, task: str, clip: str, scores: Iterable[ClipScore]) -> None:
        self._rows += [(system, task, clip, score, part, value) for score, part, value in scores]
        if len(self._rows) >= ROWS_AT_ONCE:
            self._flush()

    def __enter__(self) -> "ClipScoreWriter":
        self._writer = pq.ParquetWriter(self._partial, SCHEMA)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._flush()
        self._writer.close()
        if kind is None:
            os.replace(self._partial, self._path)
        else:
            self._partial.unlink(missing_ok=True)

    def _flush(self) -> None:
        columns = zip(*self._rows, strict=True) if self._rows else [()] * len(SCHEMA)
        arrays = [pa.array(column, type=field.type) for column, field in zip(columns, SCHEMA, strict=True)]
        self._writer.write_table(pa.table(arrays, schema=SCHEMA))
        self._rows = []


def read_clip_scores(folder: Path) -> pa.Table:
    """Columns system, task, clip, score, part, value. InputError where the file is missing or damaged."""
    path = folder / FILE_NAME
    try:
        return pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"cannot read {path} ({error}): evaluate again") from None

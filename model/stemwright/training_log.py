"""What a run writes as it goes: lines of JSON, one a record, appended and never changed.

A run that resumes from a checkpoint repeats the steps after it, with the same figures; a reader takes the
last record of each step.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stemwright.errors import is_out_of_room

Record = dict[str, Any]
"""A record names its `step`, the number of steps done."""


class TrainingLog:
    """Appends records; each is on its way to the disk when `append` returns.

    Where the disk is full, records wait here until there is room or `flush` says that there is none.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._file = self._path.open("a+b", buffering=0)
        self._waiting = b""
        if self._file.tell() and not self._ends_line():
            self._waiting = b"\n"  # a process that died left half a line

    def append(self, record: Record) -> None:
        self._waiting += json.dumps(record).encode() + b"\n"
        try:
            self.flush()
        except OSError as error:
            if not is_out_of_room(error):
                raise

    def flush(self) -> None:
        """Write what waits. OSError, with the file's name, where there is no room."""
        try:
            while self._waiting:
                self._waiting = self._waiting[self._file.write(self._waiting) :]
        except OSError as error:
            raise OSError(error.errno, os.strerror(error.errno or 0), str(self._path)) from None

    def close(self) -> None:
        self._file.close()

    def _ends_line(self) -> bool:
        self._file.seek(-1, os.SEEK_END)
        return self._file.read(1) == b"\n"


class LogReader:
    """Follows a log that another process writes."""

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._offset = 0

    def new_records(self) -> Iterator[Record]:
        """The whole records since the last call; none where there is no log yet."""
        if not self._path.is_file():
            return
        with self._path.open("rb") as file:
            file.seek(self._offset)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                self._offset += len(line)
                if record := _parsed(line):
                    yield record


def read_log(path: str | Path) -> list[Record]:
    """All records, the last of each step, in the order of the steps."""
    records = {record["step"]: record for record in LogReader(path).new_records()}
    return [records[step] for step in sorted(records)]


def _parsed(line: bytes) -> Record | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None  # half a line, see TrainingLog
    return record if isinstance(record, dict) and "step" in record else None

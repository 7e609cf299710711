"""Database and audio as one folder, from any kind of database and store into any other.

FOLDER/rows.jsonl   a line a row, the tables in an order in which they can be put back
FOLDER/blobs/…      the audio, each file as it was
FOLDER/backup.json  version of the tables and counts; written last: without it there is no backup

Rows are read in one transaction, blobs after it; blobs never change, so that a second backup into the same
folder copies only what is new.
"""

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, LargeBinary, Table, insert, select, text

from stemwright.data_folder import DataFolder
from stemwright.errors import InputError
from stemwright_platform.serving.blobs import BlobStore
from stemwright_platform.serving.database import Database
from stemwright_platform.serving.migrations import HEAD
from stemwright_platform.serving.tables import Table as Base

ROWS, BLOBS, SUMMARY = "rows.jsonl", "blobs", "backup.json"
TABLES = ("api_keys", "usage", "compositions", "takes", "selections", "generations")
"""What was made; which models are served is told anew."""
ROWS_AT_ONCE = 500
OnTake = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Backup:
    """What a folder holds."""

    version: str
    """Of the tables."""
    rows: dict[str, int]
    """Table → how many."""
    blobs: int
    num_bytes: int
    """Of the blobs."""


def back_up(
    database: Database, blobs: BlobStore, folder: Path, on_take: OnTake = lambda done, total: None
) -> Backup:
    """Write a backup while the application goes on. Takes whose audio is deleted meanwhile are left out.

    `on_take` is told after each how many of how many are done.
    Raises OSError where the disk is full; a backup that was in the folder then is none any more.
    """
    (folder / SUMMARY).unlink(missing_ok=True)
    target = BlobStore(str(folder / BLOBS))
    rows = _rows(database)
    kept = set(target.keys())
    gone: set[str] = set()
    num_bytes = 0
    for done, take in enumerate(rows["takes"], 1):
        key = take["blob_key"]
        if key not in kept:
            try:
                target.put(key, blobs.get(key))
            except FileNotFoundError:
                gone.add(key)
        if key not in gone:
            num_bytes += take["num_bytes"]
        on_take(done, len(rows["takes"]))
    rows["takes"] = [take for take in rows["takes"] if take["blob_key"] not in gone]
    named = {take["blob_key"] for take in rows["takes"]}
    for key in kept - named:
        target.delete(key)
    lines = (json.dumps({"table": table, **row}) for table, some in rows.items() for row in some)
    written = DataFolder(folder)
    written.write(ROWS, ("\n".join(lines) + "\n").encode())
    counts = {table: len(some) for table, some in rows.items()}
    backup = Backup(version=HEAD, rows=counts, blobs=len(named), num_bytes=num_bytes)
    written.write(SUMMARY, (json.dumps(asdict(backup), indent=1) + "\n").encode())
    return backup


def restore(
    folder: Path, database: Database, blobs: BlobStore, on_take: OnTake = lambda done, total: None
) -> Backup:
    """Put a backup into an empty database; blobs first. Generations that were running are made again.

    InputError for a folder that holds no whole backup or one of a newer release, a database that holds
    compositions already, and blobs that are missing.
    """
    backup = read_backup(folder)
    if backup.version > HEAD:  # an older one lacks columns, which have defaults
        raise InputError(
            f"{folder} is of a newer release (tables of version {backup.version}, this one knows {HEAD}): "
            "install that release first"
        )
    with database.read() as session:
        if session.execute(select(_table("compositions")).limit(1)).first() is not None:
            raise InputError("the database holds compositions already: restore into an empty one")
    source = BlobStore(str(folder / BLOBS))
    rows = list(_read_rows(folder / ROWS))
    keys = [row["blob_key"] for name, row in rows if name == "takes"]
    missing = sorted(set(keys) - set(source.keys()))
    if missing:
        raise InputError(f"{folder} lacks {len(missing)} blobs, as {missing[0]}: bring them back from a copy")
    for done, key in enumerate(keys, 1):
        blobs.put(key, source.get(key))
        on_take(done, len(keys))
    with database.write() as session:
        for name in TABLES:
            some = [row for table, row in rows if table == name]
            for start in range(0, len(some), ROWS_AT_ONCE):
                session.execute(insert(_table(name)), some[start : start + ROWS_AT_ONCE])
        _raise_counters(session.connection())
    return backup


def read_backup(folder: Path) -> Backup:
    """What a folder holds; InputError where that is no whole backup."""
    try:
        return Backup(**json.loads((folder / SUMMARY).read_text()))
    except (OSError, ValueError, TypeError):
        raise InputError(
            f"{folder} holds no whole backup (no readable {SUMMARY}): give a folder that "
            "`stemwright state backup` has finished"
        ) from None


def _table(name: str) -> Table:
    return Base.metadata.tables[name]


def _rows(database: Database) -> dict[str, list[dict[str, Any]]]:
    """Every row of each table, as JSON can hold it, at one moment."""
    with database.read() as session:
        if not database.is_sqlite:  # whose readers see one moment anyway
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        return {
            name: [_as_json(_table(name), row._mapping) for row in session.execute(select(_table(name)))]
            for name in TABLES
        }


def _as_json(table: Table, row: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        column.name: base64.b64encode(row[column]).decode()
        if isinstance(column.type, LargeBinary)
        else row[column]
        for column in table.columns
    }


def _read_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    with path.open() as lines:
        for line in lines:
            row = json.loads(line)
            name = row.pop("table")
            binary = [column.name for column in _table(name).columns if isinstance(column.type, LargeBinary)]
            yield name, row | {column: base64.b64decode(row[column]) for column in binary}


def _raise_counters(connection: Connection) -> None:
    """PostgreSQL counts rows apart from the rows: let it go on after those that came with their numbers."""
    if connection.dialect.name != "postgresql":
        return
    for name in ("selections", "generations"):
        highest = f"(SELECT COALESCE(MAX(number), 0) + 1 FROM {name})"
        connection.execute(
            text(f"SELECT setval(pg_get_serial_sequence('{name}', 'number'), {highest}, false)")
        )

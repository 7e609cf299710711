"""Where the state lives: SQLite on one node, PostgreSQL on several."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, OperationalError, ProgrammingError
from sqlalchemy.orm import Session, sessionmaker

from stemwright.errors import InputError
from stemwright_platform.serving.tables import Table

BUSY_TIMEOUT_MS = 30_000


class Database:
    """Short transactions on one address. Rows stay readable after their transaction."""

    def __init__(self, url: str) -> None:
        """Opens the database, making folder and tables where they lack. InputError for a bad address."""
        self._engine = _engine(url)
        self._read = sessionmaker(self._engine, expire_on_commit=False)
        self._write = sessionmaker(self._engine.execution_options(writes=True), expire_on_commit=False)
        Table.metadata.create_all(self._engine.execution_options(writes=True))
        _add_columns(self._engine)

    @property
    def is_sqlite(self) -> bool:
        return self._engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Generator[Session]:
        with self._read() as session:
            yield session

    @contextmanager
    def write(self) -> Generator[Session]:
        """One transaction: committed at the end, undone by an exception.

        On SQLite it holds the write lock from its start, so what it reads stays true until it commits.
        """
        with self._write.begin() as session:
            yield session

    def close(self) -> None:
        self._engine.dispose()


def _add_columns(engine: Engine) -> None:
    """Give tables of an earlier release the columns that came since; those may be empty."""
    there = inspect(engine)
    for table in Table.metadata.sorted_tables:
        names = {column["name"] for column in there.get_columns(table.name)}
        for column in table.columns:
            if column.name not in names:
                _add_column(engine, table.name, column)


def _add_column(engine: Engine, table: str, column: Column[Any]) -> None:
    assert column.nullable, f"{table}.{column.name} is new and must be nullable"
    kind = column.type.compile(engine.dialect)
    try:
        with engine.execution_options(writes=True).begin() as connection:
            connection.execute(text(f"ALTER TABLE {table} ADD COLUMN {column.name} {kind}"))
    except (OperationalError, ProgrammingError):  # another process may have been first
        if column.name not in {known["name"] for known in inspect(engine).get_columns(table)}:
            raise


def _engine(url: str) -> Engine:
    try:
        address = make_url(url)
    except ArgumentError:
        raise InputError(f"'{url}' is not a database address: write sqlite:///state.sqlite") from None
    if address.get_backend_name() != "sqlite":
        return create_engine(address, pool_pre_ping=True)
    if not address.database or address.database == ":memory:":
        raise InputError("the database must be a file: write sqlite:///state.sqlite")
    Path(address.database).expanduser().resolve().parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(address)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions begin where _begin_sqlite says, not at the first write
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        f"busy_timeout={BUSY_TIMEOUT_MS}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

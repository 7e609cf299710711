"""Where the state lives: SQLite on one node, PostgreSQL on several."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session, sessionmaker

from stemwright.errors import InputError
from stemwright_platform.serving import migrations
from stemwright_platform.serving.migrations import HEAD

BUSY_TIMEOUT_MS = 30_000
MIGRATION_LOCK = 8_675_310
"""PostgreSQL's advisory lock of whoever changes the tables."""


class Database:
    """Short transactions on one address. Rows stay readable after their transaction."""

    def __init__(self, url: str) -> None:
        """Opens the database, making folder and tables where they lack, and bringing older ones up to date.

        InputError for a bad address, or a database of a newer release.
        """
        self._engine = _engine(url)
        self._read = sessionmaker(self._engine, expire_on_commit=False)
        self._write = sessionmaker(self._engine.execution_options(writes=True), expire_on_commit=False)
        _migrate(self._engine)

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


def _migrate(engine: Engine) -> None:
    """Bring the tables to the release's own version; several processes may come at once."""
    with engine.connect() as connection:
        if _version(connection) == HEAD:
            return
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with engine.execution_options(writes=True).begin() as connection:
        if connection.dialect.name == "postgresql":  # SQLite's writers wait for one another anyway
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError:
            version = _version(connection)
            raise InputError(
                f"the database is of a newer release (tables of version {version}, this one knows {HEAD}): "
                "install that release, or restore a backup that was made before it"
            ) from None


def _version(connection: Connection) -> str | None:
    """Of the tables; None where there are none or they are older than versions."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _engine(url: str) -> Engine:
    try:
        address = make_url(url)
    except ArgumentError:
        raise InputError(f"'{url}' is not a database address: write sqlite:///state.sqlite") from None
    if address.get_backend_name() == "postgresql":
        return _postgresql_engine(address)
    if address.get_backend_name() != "sqlite":
        raise InputError(
            f"'{address.get_backend_name()}' is no database that is known here: sqlite, postgresql"
        )
    if not address.database or address.database == ":memory:":
        raise InputError("the database must be a file: write sqlite:///state.sqlite")
    Path(address.database).expanduser().resolve().parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(address)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _postgresql_engine(address: URL) -> Engine:
    if address.drivername == "postgresql":
        address = address.set(drivername="postgresql+psycopg")
    try:
        return create_engine(address, pool_pre_ping=True)
    except ModuleNotFoundError as error:
        raise InputError(
            f"PostgreSQL needs the package {error.name}: pip install 'stemwright[postgresql]'"
        ) from None


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

import sqlite3
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from stemwright.errors import InputError
from stemwright_platform.serving.database import Database
from stemwright_platform.serving.migrations import HEAD
from stemwright_platform.serving.tables import Generation, Table, Take


def columns(path: Path, table: str) -> set[str]:
    with sqlite3.connect(path) as connection:
        return {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}


FIRST_RELEASE = """
CREATE TABLE compositions (id VARCHAR(32) NOT NULL PRIMARY KEY, prompt TEXT NOT NULL,
    duration_s FLOAT NOT NULL,
    tempo_bpm FLOAT, seed BIGINT NOT NULL, tracks JSON NOT NULL, sample_rate_hz INTEGER NOT NULL,
    created_at FLOAT NOT NULL);
CREATE TABLE takes (id VARCHAR(32) NOT NULL PRIMARY KEY, composition_id VARCHAR(32) NOT NULL,
    generation_id VARCHAR(32), track VARCHAR(64) NOT NULL, name VARCHAR(64) NOT NULL, seed BIGINT,
    blob_key VARCHAR(128) NOT NULL, content_type VARCHAR(64) NOT NULL, num_bytes INTEGER NOT NULL,
    sha256 VARCHAR(64) NOT NULL, gain_db FLOAT NOT NULL, peaks BLOB NOT NULL, created_at FLOAT NOT NULL,
    FOREIGN KEY(composition_id) REFERENCES compositions (id) ON DELETE CASCADE);
CREATE TABLE generations (number INTEGER NOT NULL PRIMARY KEY, id VARCHAR(32) NOT NULL UNIQUE,
    composition_id VARCHAR(32) NOT NULL, request JSON NOT NULL, idempotency_key VARCHAR(200),
    asked VARCHAR(64) NOT NULL, state VARCHAR(16) NOT NULL, progress FLOAT NOT NULL,
    stage VARCHAR(32) NOT NULL,
    attempts INTEGER NOT NULL, token INTEGER NOT NULL, lease_until FLOAT, error TEXT,
    created_at FLOAT NOT NULL,
    started_at FLOAT, ended_at FLOAT, UNIQUE (composition_id, idempotency_key),
    FOREIGN KEY(composition_id) REFERENCES compositions (id) ON DELETE CASCADE);
CREATE INDEX generations_by_state ON generations (state, number);
INSERT INTO compositions VALUES ('c', 'blues', 8.0, NULL, 1, '["bass"]', 48000, 0.0);
INSERT INTO takes VALUES ('t', 'c', NULL, 'bass', 'uploaded', NULL, 'b', 'audio/wav', 1, 's', 0.0, x'',
    0.0);
INSERT INTO generations VALUES (7, 'g', 'c', '{}', NULL, '', 'queued', 0, 'waiting', 0, 0, NULL, NULL,
    0.0, NULL, NULL);
"""
"""As it was before tables had versions, with a row in each."""


def test_a_database_of_an_earlier_release_gets_the_new_columns_and_keeps_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    with sqlite3.connect(path) as earlier:
        earlier.executescript(FIRST_RELEASE)
    for _ in range(2):
        database = Database(f"sqlite:///{path}")
        with database.read() as session:
            take, generation = session.get(Take, "t"), session.get(Generation, 7)
        database.close()
        assert take is not None
        assert generation is not None
        assert (take.name, take.model) == ("uploaded", None)
        assert (generation.state, generation.priority, generation.owner) == ("queued", 0, "")
    for table in (Take, Generation):
        assert columns(path, table.__tablename__) == {column.name for column in table.__table__.columns}


def test_migrations_end_at_the_tables_that_the_code_uses(database_url: str) -> None:
    database = Database(database_url)
    with database.read() as session:
        context = MigrationContext.configure(session.connection(), opts={"compare_type": True})
        assert compare_metadata(context, Table.metadata) == []
        assert context.get_current_revision() == HEAD
    database.close()


def test_processes_that_open_a_new_database_at_once_all_find_its_tables(database_url: str) -> None:
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as pool:
        assert list(pool.map(_counted, [database_url] * 3)) == [0] * 3


def _counted(url: str) -> int:
    database = Database(url)
    with database.read() as session:
        count = session.query(Generation).count()
    database.close()
    return count


def test_a_database_of_a_newer_release_is_left_as_it_is(database_url: str) -> None:
    database = Database(database_url)
    with database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()
    with pytest.raises(InputError, match=r"newer release .*9999"):
        Database(database_url)


def test_a_database_of_another_kind_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="'mysql' is no database"):
        Database("mysql://localhost/stemwright")


@pytest.mark.parametrize("url", ["no address", "sqlite:///:memory:"])
def test_an_address_that_cannot_hold_state_is_one_clear_line(url: str) -> None:
    with pytest.raises(InputError, match=r"write sqlite:///state\.sqlite"):
        Database(url)

import sqlite3
from pathlib import Path

import pytest

from stemwright.errors import InputError
from stemwright_platform.serving.database import Database
from stemwright_platform.serving.tables import Generation, Take


def columns(path: Path, table: str) -> set[str]:
    with sqlite3.connect(path) as connection:
        return {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}


def test_a_database_of_an_earlier_release_gets_the_new_columns_and_keeps_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    Database(f"sqlite:///{path}").close()
    with sqlite3.connect(path) as earlier:
        for table in ("takes", "generations"):
            earlier.execute(f"ALTER TABLE {table} DROP COLUMN model")
        earlier.execute(
            "INSERT INTO compositions VALUES ('c', 'blues', 8.0, NULL, 1, '[\"bass\"]', 48000, 0.0)"
        )
        earlier.execute(
            "INSERT INTO takes VALUES ('t', 'c', NULL, 'bass', 'uploaded', NULL, 'b', 'audio/wav', 1, 's', "
            "0.0, x'', 0.0)"
        )
    for _ in range(2):
        database = Database(f"sqlite:///{path}")
        with database.read() as session:
            take = session.get(Take, "t")
        assert take is not None
        assert (take.name, take.model) == ("uploaded", None)
        database.close()
    for table in (Take, Generation):
        assert columns(path, table.__tablename__) == {column.name for column in table.__table__.columns}


@pytest.mark.parametrize("url", ["no address", "sqlite:///:memory:"])
def test_an_address_that_cannot_hold_state_is_one_clear_line(url: str) -> None:
    with pytest.raises(InputError, match=r"write sqlite:///state\.sqlite"):
        Database(url)

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from stemwright.errors import InputError
from stemwright_platform.cli import main
from stemwright_platform.serving.api import create_api
from stemwright_platform.serving.backup import back_up, restore
from stemwright_platform.serving.blobs import BlobStore
from stemwright_platform.serving.compositions import Compositions
from stemwright_platform.serving.database import Database
from stemwright_platform.serving.keys import Keys
from stemwright_platform.serving.models import ServedModels
from stemwright_platform.serving.queue import LEASE_S, GenerationQueue
from stemwright_platform.serving.services import Services
from stemwright_platform.serving.tables import Generation


@pytest.fixture
def made(client: TestClient, composition: str, make_sine, make_wav) -> str:
    """A composition with an upload, a choice and two generations, one of them in hand."""
    for track in ("drums", "bass"):
        audio = {"file": ("stem.wav", make_wav(make_sine()), "audio/wav")}
        answer = client.put(f"/v1/compositions/{composition}/tracks/{track}", files=audio)
        assert answer.status_code == 201, answer.text
    for _ in range(2):
        answer = client.post(f"/v1/compositions/{composition}/generations", json={"targets": ["melody"]})
        assert answer.status_code == 202, answer.text
    client.app.state.services.queue.claim()  # type: ignore[attr-defined]
    return composition


@pytest.fixture(params=["sqlite", "postgresql"])
def other(
    request: pytest.FixtureRequest, tmp_path: Path, new_postgresql_url: Callable[[], str]
) -> Iterator[tuple[Database, BlobStore]]:
    """Another, empty place."""
    sqlite = f"sqlite:///{tmp_path}/other/state.sqlite"
    database = Database(sqlite if request.param == "sqlite" else new_postgresql_url())
    yield database, BlobStore(str(tmp_path / "other" / "blobs"))
    database.close()


def everything(client: TestClient, composition: str) -> list[object]:
    """What callers see of a composition."""
    shown = client.get(f"/v1/compositions/{composition}").json()
    generations = [client.get(f"/v1/generations/{one}").json() for one in shown["generations"]]
    takes = [take["id"] for slot in shown["slots"].values() for take in slot["takes"]]
    return [shown, generations, [client.get(f"/v1/takes/{take}/audio").content for take in takes]]


def test_what_is_restored_elsewhere_is_what_was_there(
    client: TestClient, services: Services, made: str, other, tmp_path: Path, clock, facts
) -> None:
    _, secret = services.keys.create("somebody")
    backup = back_up(services.database, services.blobs, tmp_path / "backup")
    made_of = {"compositions": 1, "takes": 2, "selections": 2, "generations": 2}
    assert backup.rows == {"api_keys": 1, "usage": 0, **made_of}
    database, blobs = other
    assert restore(tmp_path / "backup", database, blobs) == backup
    there = replace(
        services,
        database=database,
        blobs=blobs,
        compositions=Compositions(database, clock),
        queue=GenerationQueue(database, clock),
        models=ServedModels(database, clock),
        keys=Keys(database, clock),
    )
    assert there.keys.of_secret(secret) is not None
    there.models.tell(facts)
    again = TestClient(create_api(there))
    assert everything(again, made) == everything(client, made)
    # what was in hand is claimed again once its lease has ended, and new rows get new numbers
    clock.now += LEASE_S + 1
    assert there.queue.claim() is not None
    assert again.post(f"/v1/compositions/{made}/generations", json={"targets": ["bass"]}).status_code == 202
    assert again.put(f"/v1/compositions/{made}/selection", json={"drums": None}).status_code == 200


def test_a_second_backup_copies_what_is_new_and_forgets_what_is_gone(
    client: TestClient, services: Services, made: str, tmp_path: Path
) -> None:
    folder = tmp_path / "backup"
    back_up(services.database, services.blobs, folder)
    written = {path: path.stat().st_mtime_ns for path in (folder / "blobs").rglob("*.wav")}
    client.delete(f"/v1/compositions/{made}")
    assert back_up(services.database, services.blobs, folder).blobs == 0
    assert len(written) == 2
    assert not list((folder / "blobs").rglob("*.wav"))


def test_audio_that_is_deleted_meanwhile_leaves_no_take_behind(
    services: Services, made: str, tmp_path: Path
) -> None:
    first = services.blobs.keys()[0]
    services.blobs.delete(first)
    backup = back_up(services.database, services.blobs, tmp_path / "backup")
    assert backup.rows["takes"] == backup.blobs == 1


@pytest.mark.parametrize("lost", ["backup.json", "blobs"])
def test_a_backup_that_is_not_whole_is_refused_and_changes_nothing(
    services: Services, made: str, other, tmp_path: Path, lost: str
) -> None:
    folder = tmp_path / "backup"
    back_up(services.database, services.blobs, folder)
    if lost == "blobs":
        shutil.rmtree(folder / lost)
    else:
        (folder / lost).unlink()
    database, blobs = other
    with pytest.raises(InputError, match=r"holds no whole backup|lacks 2 blobs"):
        restore(folder, database, blobs)
    assert blobs.keys() == []


def test_a_backup_of_an_older_release_gets_the_columns_that_came_since(
    services: Services, made: str, other, tmp_path: Path
) -> None:
    folder = tmp_path / "backup"
    back_up(services.database, services.blobs, folder)
    rows = [json.loads(line) for line in (folder / "rows.jsonl").read_text().splitlines()]
    for row in rows:
        row.pop("owner", None)
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    summary = json.loads((folder / "backup.json").read_text())
    (folder / "backup.json").write_text(json.dumps(summary | {"version": "0001"}))
    database, blobs = other
    restore(folder, database, blobs)
    with database.read() as session:
        assert set(session.scalars(select(Generation.owner))) == {""}
    (folder / "backup.json").write_text(json.dumps(summary | {"version": "9999"}))
    with pytest.raises(InputError, match="of a newer release"):
        restore(folder, database, blobs)


def test_nothing_is_restored_over_what_is_there(services: Services, made: str, tmp_path: Path) -> None:
    back_up(services.database, services.blobs, tmp_path / "backup")
    with pytest.raises(InputError, match="holds compositions already"):
        restore(tmp_path / "backup", services.database, services.blobs)


def test_the_command_copies_there_and_back(
    client: TestClient, made: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    services: Services = client.app.state.services  # type: ignore[attr-defined]
    places = ["--database-url", services.settings.database_url, "--blob-url", services.settings.blob_url]
    for call in (
        ["backup", str(tmp_path / "b"), *places],
        ["restore", str(tmp_path / "b"), "--state", str(tmp_path / "n")],
    ):
        with pytest.raises(SystemExit) as end:
            main(["state", *call])
        assert not end.value.code
    assert "2 takes" in capsys.readouterr().out
    assert len(BlobStore(str(tmp_path / "n" / "blobs")).keys()) == 2


def test_a_backup_of_nothing_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["state", "backup", str(tmp_path / "b"), "--state", str(tmp_path / "nowhere")])
    assert "there is no database at" in capsys.readouterr().err
    assert not (tmp_path / "b").exists()

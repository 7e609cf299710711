"""State of an application in a temporary folder, and its API without Ray."""

import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest
import soundfile
import torch
from fastapi.testclient import TestClient
from process_tree import below
from sqlalchemy import create_engine, text

from stemwright.audio import encode_wav
from stemwright.compose import Composer, Request
from stemwright.tasks import Task
from stemwright_platform.serving.api import create_api
from stemwright_platform.serving.local_server import local_server, local_settings
from stemwright_platform.serving.schema import ModelFacts
from stemwright_platform.serving.services import Services
from stemwright_platform.serving.settings import Limits, ServingSettings

sys.path.append(str(Path(__file__).parent))  # helpers beside this file

NO_POSTGRESQL = "PostgreSQL is not installed (Debian: apt-get install postgresql)"
POSTGRESQL_USER = "stemwright"
RATE = 48_000


class Clock:
    """Time that a test moves by hand."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def programs() -> Path | None:
    """Folder of `initdb` and `postgres`; Debian keeps them off the path."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    versions = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    return max((path.parent for path in versions), key=lambda path: float(path.parent.name), default=None)


class PostgresServer:
    """A PostgreSQL server on loopback that can be killed and started again on the same data."""

    def __init__(self, folder: Path) -> None:
        bin_folder = programs()
        assert bin_folder is not None, NO_POSTGRESQL
        self._pg_ctl = [str(bin_folder / "pg_ctl"), "--pgdata", str(folder / "data"), "--wait"]
        self._log, self._port, self._owner = folder / "log", _free_port(), _owner()
        self._data = folder / "data"
        if self._owner:  # the server refuses to run as root
            for path in (folder, *folder.parents[:3]):
                path.chmod(path.stat().st_mode | 0o055)
            shutil.chown(folder, self._owner)
        call = ["--username", POSTGRESQL_USER, "--auth", "trust", "--encoding", "UTF8", "--no-sync"]
        self._run([str(bin_folder / "initdb"), *call, "--pgdata", str(self._data)])

    @property
    def address(self) -> str:
        """Up to the port."""
        return f"postgresql://{POSTGRESQL_USER}@127.0.0.1:{self._port}"

    def start(self) -> None:
        options = f"-c listen_addresses=127.0.0.1 -c port={self._port} -c unix_socket_directories=''"
        self._run([*self._pg_ctl, "start", "--log", str(self._log), "--options", f"{options} -c fsync=off"])

    def stop(self) -> None:
        self._run([*self._pg_ctl, "stop", "--mode", "immediate"])

    def kill(self) -> None:
        """The server and all who serve a connection, as the kernel would for want of memory."""
        first = int((self._data / "postmaster.pid").read_text().splitlines()[0])
        for pid in (first, *below(first)):
            os.kill(pid, signal.SIGKILL)

    def new_database(self) -> str:
        """Address of an empty one."""
        name = f"test_{uuid.uuid4().hex}"
        address = f"{self.address.replace('://', '+psycopg://')}/postgres"
        engine = create_engine(address, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        engine.dispose()
        return f"{self.address}/{name}"

    def _run(self, call: list[str]) -> None:
        subprocess.run(call, user=self._owner, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


@contextmanager
def running_server(folder: Path) -> Iterator[PostgresServer]:
    """Stopped at the end."""
    server = PostgresServer(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _owner() -> str | None:
    return "postgres" if os.geteuid() == 0 else None


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    if programs() is None:
        pytest.skip(NO_POSTGRESQL)
    with running_server(tmp_path_factory.mktemp("postgresql")) as server:
        yield server


@pytest.fixture
def running_postgresql(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[], AbstractContextManager[PostgresServer]]:
    """Starts a server of the test's own, which it may kill."""
    if programs() is None:
        pytest.skip(NO_POSTGRESQL)
    return lambda: running_server(tmp_path_factory.mktemp("postgresql"))


@pytest.fixture
def free_port() -> Callable[[], int]:
    return _free_port


@pytest.fixture
def new_postgresql_url(request: pytest.FixtureRequest) -> Callable[[], str]:
    """Makes empty databases and gives their addresses; the server starts with the first."""
    return lambda: request.getfixturevalue("postgresql").new_database()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(
    request: pytest.FixtureRequest, tmp_path: Path, new_postgresql_url: Callable[[], str]
) -> str:
    """Address of an empty database of each kind."""
    return f"sqlite:///{tmp_path}/state.sqlite" if request.param == "sqlite" else new_postgresql_url()


@pytest.fixture
def services(tmp_path: Path, clock: Clock, database_url: str) -> Iterator[Services]:
    settings = ServingSettings(
        model="a-model",
        database_url=database_url,
        blob_url=str(tmp_path / "blobs"),
        limits=Limits(max_upload_bytes=2_000_000, max_upload_s=30.0, max_queue=5),
    )
    opened = Services.open(settings, clock)
    yield opened
    opened.database.close()


@pytest.fixture
def client(services: Services, facts: ModelFacts) -> TestClient:
    services.models.tell(facts)
    return TestClient(create_api(services), raise_server_exceptions=False)


@pytest.fixture
def composition(client: TestClient) -> str:
    """Id of an empty composition of two seconds."""
    answer = client.post("/v1/compositions", json={"prompt": "slow blues", "duration_s": 2.0, "seed": 7})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def sine(seconds: float = 2.0, rate: int = RATE, channels: int = 2, level: float = 0.2) -> np.ndarray:
    """A tone `[n, channels]`, louder on the left."""
    time = np.arange(int(seconds * rate)) / rate
    tone = level * np.sin(2 * np.pi * 220 * time)
    return np.stack([tone, 0.5 * tone], 1)[:, :channels].astype(np.float32)


def wav(audio: np.ndarray, rate: int = RATE, kind: str = "WAV", subtype: str | None = None) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, audio, rate, format=kind, subtype=subtype)
    return file.getvalue()


@pytest.fixture
def make_sine():
    return sine


@pytest.fixture
def make_wav():
    return wav


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory, make_checkpoint: Callable[..., Path]) -> Path:
    """A tiny model of random weights, whose windows are shorter than some of the pieces here."""
    return make_checkpoint(tmp_path_factory.mktemp("model") / "tiny", regions=0.25)


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def api(ray_cluster: None, checkpoint: Path, state: Path) -> Iterator[httpx.Client]:
    """The application on Ray Serve, behind real HTTP."""
    settings = local_settings(str(checkpoint), state).model_copy(update={"threads": 1})
    with (
        local_server(settings, port=_free_port()) as address,
        httpx.Client(base_url=f"{address}/v1", timeout=30) as client,
    ):
        yield client


@pytest.fixture
def undisturbed(checkpoint: Path) -> Callable[[int], bytes]:
    """What the library composes with a seed."""
    from generation_load import STEPS

    composer = Composer.load(checkpoint)

    def take(seed: int) -> bytes:
        request = Request(
            prompt="slow blues", task=Task(("bass",)), duration_s=1.0, seed=seed, num_steps=STEPS
        )
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            return encode_wav(composer.generate(request)["bass"])
        finally:
            torch.set_num_threads(threads)

    return take


@pytest.fixture(scope="session")
def same_take() -> Callable[[bytes, bytes], bool]:
    """Whether two WAV files are one take: at least 60 dB apart, for batch mates change how products round."""

    def same(one: bytes, two: bytes) -> bool:
        first, second = (soundfile.read(io.BytesIO(data))[0] for data in (one, two))
        if first.shape != second.shape:
            return False
        return bool(np.square(first - second).sum() <= 1e-6 * np.square(first).sum())

    return same

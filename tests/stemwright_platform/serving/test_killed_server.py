"""Nothing accepted is lost: processes of a serving cluster are killed under load, then all is counted."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import torch
from process_tree import below, command, wait_until

from stemwright.audio import encode_wav
from stemwright.compose import Composer, Request
from stemwright.tasks import Task
from stemwright_platform.serving.api_replica import ApiReplica
from stemwright_platform.serving.local_server import local_server, local_settings
from stemwright_platform.serving.settings import ServingSettings

pytestmark = pytest.mark.ray
ENDED = ("done", "failed", "cancelled")
STEPS = 6


@dataclass
class Load:
    """Generations of one composition, asked for at once, each with a seed of its own."""

    api: httpx.Client
    ids: list[str] = field(default_factory=list)

    def ask(self, count: int, steps: int = STEPS) -> None:
        made = self.api.post("/compositions", json={"prompt": "slow blues", "duration_s": 1.0, "seed": 1})
        url = f"/compositions/{made.raise_for_status().json()['id']}/generations"
        for seed in range(count):
            asked = {"targets": ["bass"], "seed": seed, "steps": steps}
            self.ids.append(self.api.post(url, json=asked).raise_for_status().json()["id"])

    def all(self) -> list[dict[str, Any]]:
        """Each as it stands; a server that is away is asked again."""
        return [self._patient(f"/generations/{each}").json() for each in self.ids]

    def ended(self) -> int:
        return sum(made["state"] in ENDED for made in self.all())

    def wait(self) -> list[dict[str, Any]]:
        wait_until(lambda: self.ended() == len(self.ids), f"{len(self.ids)} generations")
        return self.all()

    def takes(self) -> Iterator[tuple[int, bytes]]:
        """Seed and audio of each generation, all of which are done."""
        for made in self.wait():
            assert (made["state"], made["error"]) == ("done", None), made
            (take,) = made["takes"]
            yield take["seed"], self._patient(f"/takes/{take['id']}/audio").content

    def _patient(self, url: str) -> httpx.Response:
        for _ in range(600):
            with suppress(httpx.HTTPError):
                return self.api.get(url).raise_for_status()
            time.sleep(0.2)
        return self.api.get(url).raise_for_status()


def replicas(deployment: str, ancestor: int | None = None) -> list[int]:
    """Processes of a deployment's replicas."""
    name = f"ServeReplica:stemwright:{deployment}"
    return [pid for pid in below(ancestor or os.getpid()) if name in command(pid)]


def kill(deployment: str) -> int:
    """All its replicas; how many there were."""
    found = replicas(deployment)
    for pid in found:
        os.kill(pid, signal.SIGKILL)
    return len(found)


@pytest.fixture
def undisturbed(checkpoint: Path) -> Callable[[int], bytes]:
    """What the library composes with a seed."""
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


Same = Callable[[bytes, bytes], bool]


@pytest.mark.parametrize(
    ("kills", "generations"),
    [(1, 8), pytest.param(10, 50, marks=pytest.mark.chaos)],
    ids=["once", "ten times"],
)
def test_killed_denoisers_cost_no_generation_and_change_none(
    api: httpx.Client, kills: int, generations: int, same_take: Same, undisturbed: Callable[[int], bytes]
) -> None:
    load = Load(api)
    load.ask(generations)
    for done in range(1, kills + 1):
        # four others have ended, so that none meets three deaths
        wait_until(lambda done=done: load.ended() >= 4 * done, f"{4 * done} generations")
        wait_until(lambda: kill("denoiser"), "a denoiser to kill")
    takes = dict(load.takes())
    assert sorted(takes) == list(range(generations))
    assert all(same_take(audio, undisturbed(seed)) for seed, audio in takes.items())


@pytest.mark.chaos
@pytest.mark.parametrize("deployment", ["api", "dispatcher", "codec", "text"])
def test_any_other_replica_may_be_killed(
    api: httpx.Client, deployment: str, same_take: Same, undisturbed: Callable[[int], bytes]
) -> None:
    load = Load(api)
    load.ask(12)
    wait_until(lambda: load.ended() >= 3, "three generations")
    assert kill(deployment) == 1
    takes = dict(load.takes())
    assert all(same_take(audio, undisturbed(seed)) for seed, audio in takes.items())


@pytest.mark.chaos
def test_a_poisoned_generation_fails_alone(api: httpx.Client) -> None:
    """Whoever kills each worker it meets is the only one to fail."""
    load, poison = Load(api), Load(api)
    poison.ask(1, steps=1000)
    load.ask(6)
    (row,) = poison.ids
    losses = 0
    while (state := poison.all()[0])["state"] not in ENDED:
        if state["progress"] > 0:
            losses += kill("denoiser")
            wait_until(lambda: poison.all()[0]["progress"] == 0 or poison.all()[0]["state"] in ENDED, row)
    assert losses == 3
    assert state["state"] == "failed"
    assert "lost 3 times" in state["error"]
    assert len(list(load.takes())) == 6


@pytest.mark.chaos
def test_a_killed_postgresql_is_waited_for(
    ray_cluster: None,
    checkpoint: Path,
    tmp_path_factory: pytest.TempPathFactory,
    running_postgresql: Any,
    free_port: Callable[[], int],
    same_take: Same,
    undisturbed: Callable[[int], bytes],
) -> None:
    state = tmp_path_factory.mktemp("state")
    with running_postgresql() as server:
        settings = local_settings(str(checkpoint), state).model_copy(
            update={"threads": 1, "database_url": server.new_database()}
        )
        with served(settings, free_port()) as api:
            load = Load(api)
            load.ask(12)
            wait_until(lambda: load.ended() >= 3, "three generations")
            server.kill()
            assert api.get("/readyz").status_code == 503
            time.sleep(3)
            server.start()
            takes = dict(load.takes())
            assert api.get("/readyz").status_code == 200
    assert all(same_take(audio, undisturbed(seed)) for seed, audio in takes.items())


@pytest.mark.chaos
def test_a_new_version_is_deployed_under_load_and_no_call_fails(
    ray_cluster: None,
    checkpoint: Path,
    tmp_path_factory: pytest.TempPathFactory,
    free_port: Callable[[], int],
) -> None:
    from ray import serve

    from stemwright_platform.serving.app import build

    settings = local_settings(str(checkpoint), tmp_path_factory.mktemp("state")).model_copy(
        update={"threads": 1}
    )
    with served(settings, free_port()) as api:
        load, calls = Load(api), Calls(api.base_url)
        load.ask(20)
        before = {name: replicas(name) for name in ("api", "dispatcher", "denoiser", "codec", "text")}
        with calls.going_on():
            wait_until(lambda: load.ended() >= 3, "three generations")
            newer = settings.model_copy(update={"max_rows": 4})
            serve.run(build(newer), name="stemwright", route_prefix="/")
            load.ask(5)
            assert len(list(load.takes())) == 25
        assert all(set(replicas(name)).isdisjoint(pids) for name, pids in before.items())
    assert len(calls.answered) > 50
    assert calls.failed == []


@pytest.mark.chaos
def test_a_killed_head_is_started_again_on_the_same_data(
    checkpoint: Path,
    tmp_path: Path,
    free_port: Callable[[], int],
    same_take: Same,
    undisturbed: Callable[[int], bytes],
) -> None:
    first = ServeCommand(checkpoint, tmp_path / "state", free_port())
    with httpx.Client(base_url=first.address, timeout=30) as api, first.running():
        load = Load(api)
        load.ask(20)
        wait_until(lambda: load.ended() >= 3, "three generations")
        open_ones = len(load.ids) - load.ended()
        first.kill_all()
    assert open_ones > 5
    second = ServeCommand(checkpoint, tmp_path / "state", free_port())
    with httpx.Client(base_url=second.address, timeout=30) as api, second.running():
        load.api = api
        takes = dict(load.takes())
    assert len(takes) == 20
    assert all(same_take(audio, undisturbed(seed)) for seed, audio in takes.items())


@pytest.mark.chaos
def test_clients_that_hang_up_free_their_slots(api: httpx.Client) -> None:
    """As many followers as the API has slots for, and none of them waits for the end."""
    load = Load(api)
    load.ask(1, steps=1000)
    url = f"{api.base_url}generations/{load.ids[0]}/events"
    slots = ApiReplica.max_ongoing_requests

    async def hang_up() -> None:
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(timeout=60, limits=limits) as client, AsyncExitStack() as followers:
            for _ in range(slots):
                answer = await followers.enter_async_context(client.stream("GET", url))
                assert answer.status_code == 200

    asyncio.run(hang_up())
    began = time.monotonic()
    api.delete(f"/generations/{load.ids[0]}").raise_for_status()
    assert time.monotonic() - began < 10


@contextmanager
def served(settings: ServingSettings, port: int) -> Iterator[httpx.Client]:
    with (
        local_server(settings, port=port) as address,
        httpx.Client(base_url=f"{address}/v1", timeout=60) as client,
    ):
        yield client


class Calls:
    """Calls of every kind, without a pause, each on a connection of its own."""

    def __init__(self, base_url: httpx.URL) -> None:
        self._base_url, self._over = base_url, threading.Event()
        self.answered: list[int] = []
        self.failed: list[str] = []

    @contextmanager
    def going_on(self) -> Iterator[None]:
        threads = [threading.Thread(target=self._call, args=(url,)) for url in ("/compositions", "/models")]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in threads:
                thread.join()

    def _call(self, url: str) -> None:
        while not self._over.is_set():
            try:
                answer = httpx.get(f"{self._base_url}{url.lstrip('/')}", timeout=60)
                answer.raise_for_status()
                self.answered.append(answer.status_code)
            except httpx.HTTPError as fault:
                self.failed.append(repr(fault))
            time.sleep(0.05)


class ServeCommand:
    """`stemwright serve`, which can be killed with everything that it started."""

    def __init__(self, checkpoint: Path, state: Path, port: int) -> None:
        call = ["serve", "--model", str(checkpoint), "--state", str(state), "--port", str(port)]
        self._call = [sys.executable, "-m", "stemwright_platform.cli", *call]
        self.address = f"http://127.0.0.1:{port}/v1"
        self._process: subprocess.Popen[bytes] | None = None

    @contextmanager
    def running(self) -> Iterator[None]:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        environment |= {"OMP_NUM_THREADS": "1", "RAY_USAGE_STATS_ENABLED": "0"}
        environment.pop("RAY_ADDRESS", None)
        self._process = subprocess.Popen(self._call, env=environment, stdout=subprocess.DEVNULL)
        try:
            wait_until(self._ready, "the server")
            yield
        finally:
            if self._process.poll() is None:
                self._process.terminate()
                self._process.wait(120)

    def kill_all(self) -> None:
        """Head, raylet, proxy, replicas and the command itself, all at once."""
        assert self._process is not None
        for pid in (*below(self._process.pid), self._process.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()

    def _ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, "`stemwright serve` ended"
        with suppress(httpx.HTTPError):
            return httpx.get(f"{self.address}/readyz", timeout=5).status_code == 200
        return False

"""Nothing accepted is lost: database and head are killed under load, a new version is deployed."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from generation_load import Load, replicas
from process_tree import wait_until
from serve_command import ServeCommand

from stemwright_platform.serving.local_server import local_server, local_settings
from stemwright_platform.serving.settings import ServingSettings

pytestmark = [pytest.mark.ray, pytest.mark.chaos]
Same = Callable[[bytes, bytes], bool]


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

"""A server that follows an alias, through real HTTP, real Ray Serve and a real registry."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import torch
from typer.testing import CliRunner

from stemwright.audio import encode_wav
from stemwright.compose import Composer, Request
from stemwright.tasks import Task
from stemwright.tracks import TRACKS, Tracks
from stemwright_platform.commands import models
from stemwright_platform.serving.local_server import local_server, local_settings
from stemwright_platform.training.model_versions import register_folder

pytestmark = pytest.mark.ray
NAME = "followed"
WAIT_S = 90.0


def command(*words: str) -> str:
    done = CliRunner().invoke(models.app, list(words))
    assert done.exit_code == 0, done.exception
    return done.stdout


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db"


@pytest.fixture(scope="module")
def folders(
    registry: str, make_checkpoint: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[int, Path]:
    """Version → checkpoint; the third has other tracks, the fourth is broken after it was registered."""
    root = tmp_path_factory.mktemp("models")
    voice = Tracks(names=(*TRACKS.names[:3], "voice"), prompt_names=(*TRACKS.prompt_names[:3], "voice"))
    folders = {
        1: make_checkpoint(root / "first", seed=1),
        2: make_checkpoint(root / "second", seed=2, loss=0.6),
        3: make_checkpoint(root / "third", seed=3, tracks=voice, loss=0.6),
        4: make_checkpoint(root / "fourth", seed=4, loss=0.6),
    }
    for folder in folders.values():
        register_folder(folder, NAME, tracking_uri=registry)
    (stored,) = [
        path
        for path in Path(registry[len("sqlite:///") :]).parent.glob("mlruns/*/artifacts/model")
        if (path / "model.safetensors").read_bytes() == (folders[4] / "model.safetensors").read_bytes()
    ]
    (stored / "model.safetensors").write_bytes(b"gone")
    return folders


@pytest.fixture(scope="module")
def api(
    ray_cluster: Any, registry: str, folders: dict[int, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    state = tmp_path_factory.mktemp("state")
    settings = local_settings(f"models:/{NAME}@champion", state, tracking_uri=registry)
    settings = settings.model_copy(update={"threads": 1, "model_poll_s": 0.3})
    with (
        local_server(settings, port=port) as address,
        httpx.Client(base_url=f"{address}/v1", timeout=30) as client,
    ):
        yield client


def served(api: httpx.Client) -> dict[str, Any]:
    (model,) = api.get("/models").json()
    return model


def wait(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def generated(api: httpx.Client, composition: str, seed: int) -> dict[str, Any]:
    """A generation, ended; raises for any answer that is none."""
    asked = {"targets": ["bass"], "seed": seed, "steps": 2}
    made = api.post(f"/compositions/{composition}/generations", json=asked).raise_for_status().json()
    end = time.monotonic() + WAIT_S
    while made["state"] in ("queued", "running"):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
        made = api.get(f"/generations/{made['id']}").raise_for_status().json()
    return made


def composed(folder: Path, seed: int) -> bytes:
    """The same take by the library."""
    request = Request(prompt="slow blues", task=Task(("bass",)), duration_s=1.0, seed=seed, num_steps=2)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    stems = Composer.load(folder).generate(request)
    torch.set_num_threads(threads)
    return encode_wav(stems["bass"])


@dataclass
class Trickle:
    """One generation after the other, until told to end."""

    api: httpx.Client
    composition: str
    made: list[dict[str, Any]] = field(default_factory=list)
    faults: list[Exception] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        while not self.over.is_set():
            try:
                self.made.append(generated(self.api, self.composition, seed=8))
            except Exception as error:
                self.faults.append(error)

    def of(self, version: int) -> int:
        return sum(each["model"] == f"models:/{NAME}/{version}" for each in self.made)


@pytest.fixture
def composition(api: httpx.Client) -> str:
    asked = {"prompt": "slow blues", "duration_s": 1.0}
    return api.post("/compositions", json=asked).raise_for_status().json()["id"]


def test_promoting_and_rolling_back_reach_a_running_server_and_no_request_fails(
    api: httpx.Client,
    composition: str,
    registry: str,
    folders: dict[int, Path],
    same_take: Callable[[bytes, bytes], bool],
) -> None:
    def take(seed: int) -> bytes:
        made = generated(api, composition, seed)
        assert made["state"] == "done", made["error"]
        assert made["takes"][0]["model"] == made["model"] == served(api)["version"]
        return api.get(f"/takes/{made['takes'][0]['id']}/audio").content

    trickle = Trickle(api, composition)
    thread = threading.Thread(target=trickle.run)
    thread.start()
    try:
        wait(lambda: trickle.of(1) > 0)
        first, fingerprint = take(seed=3), served(api)["fingerprint"]
        command("promote", f"models:/{NAME}/2", "--tracking-uri", registry)
        wait(lambda: served(api)["version"] == f"models:/{NAME}/2")
        assert served(api)["fingerprint"] != fingerprint
        second = take(seed=3)
        wait(lambda: trickle.of(2) > 0)
        command("rollback", NAME, "--tracking-uri", registry)
        wait(lambda: served(api)["version"] == f"models:/{NAME}/1")
        again, before = take(seed=3), trickle.of(1)
        wait(lambda: trickle.of(1) > before)
    finally:
        trickle.over.set()
        thread.join()
    assert trickle.faults == []
    assert {(each["state"], each["error"]) for each in trickle.made} == {("done", None)}
    assert same_take(first, again)
    assert not same_take(first, second)
    assert same_take(first, composed(folders[1], seed=3))
    assert same_take(second, composed(folders[2], seed=3))
    assert served(api)["fingerprint"] == fingerprint


@pytest.mark.parametrize(
    ("version", "reason"), [(3, "its tracks are bass, drums, instrument, voice"), (4, "is broken")]
)
def test_a_version_that_cannot_be_served_is_shown_and_the_old_one_goes_on(
    api: httpx.Client, composition: str, registry: str, version: int, reason: str
) -> None:
    command("promote", f"models:/{NAME}/{version}", "--tracking-uri", registry)
    wait(lambda: served(api)["refused"] is not None)
    assert served(api)["refused"].startswith(f"models:/{NAME}/{version} is not served: ")
    assert reason in served(api)["refused"]
    made = generated(api, composition, seed=1)
    assert (made["state"], made["model"]) == ("done", f"models:/{NAME}/1")
    command("rollback", NAME, "--tracking-uri", registry)
    wait(lambda: served(api)["refused"] is None)

"""What a run of weeks meets: killed workers, a killed driver, a full disk, a tracking server that is away."""

import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from process_tree import below, command, kill_training_workers, training_workers, wait_until
from safetensors.torch import load_file

from stemwright.errors import is_out_of_room
from stemwright.run_folder import RunFolder
from stemwright.train_locally import train_locally
from stemwright.training_log import Record, read_log
from stemwright.training_run import TrainingPlan
from stemwright_platform.training.launch import launch
from stemwright_platform.training.tracking import open_client

pytestmark = pytest.mark.chaos
CLOCK = {"step_s", "windows_per_s", "audio_s_per_s", "train_s"}


@pytest.fixture
def one_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As many torch threads here as in a worker: sums of floats come out alike."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def server(tmp_path: Path) -> Iterator["Server"]:
    server = Server(tmp_path)
    yield server
    server.kill()


class Server:
    """A real MLflow server that can be killed and started again on the same store."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.uri, self._folder = f"http://127.0.0.1:{self.port}", folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        store, artifacts = f"sqlite:///{self._folder}/server.db", str(self._folder / "artifacts")
        command = [sys.executable, "-m", "mlflow", "server", "--port", str(self.port), "--workers", "1"]
        command += ["--backend-store-uri", store, "--artifacts-destination", artifacts]
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(command, stdout=quiet, stderr=quiet, start_new_session=True)

    def wait(self) -> None:
        wait_until(self._answers, "the MLflow server")

    def kill(self) -> None:
        if self._process:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.uri}/health", timeout=1):
                return True
        except (urllib.error.URLError, OSError):
            return False


@pytest.mark.ray
def test_a_run_whose_worker_is_killed_three_times_ends_bit_for_bit_like_one_that_never_was(
    ray_cluster: Any, plan: TrainingPlan, tmp_path: Path, tracking_uri: str, client: Any, one_thread: None
) -> None:
    plan, folder = replace(plan, steps=60, checkpoint_every=5), RunFolder(tmp_path / "run")
    killed = []

    def kill_three_times() -> None:
        for step in (5, 20, 35):
            wait_until(lambda step=step: is_past(folder, step) and training_workers(), f"step {step}")
            killed.append(kill_training_workers())

    killer = threading.Thread(target=kill_three_times)
    killer.start()
    launch(plan, folder.path, tracking_uri=tracking_uri, model_name="survivor")
    killer.join()
    assert killed == [1, 1, 1]
    never = launch(plan, tmp_path / "never", tracking_uri=tracking_uri, model_name="survivor").folder
    assert figures(folder) == figures(never)
    assert state(folder, 60) == state(never, 60)
    run_id = (folder.facts() or {})["tracking_run"]
    assert logged(client, run_id) == [*range(1, 61)]
    assert len(client.search_runs(["1"], f"tags.`stemwright.run` = '{(folder.facts() or {})['id']}'")) == 1


@pytest.mark.ray
@pytest.mark.parametrize("full", ["checkpoint", "log"])
def test_a_full_disk_is_one_clear_line_and_the_run_goes_on_once_there_is_room(
    ray_cluster: Any, plan: TrainingPlan, tmp_path: Path, tracking_uri: str, full: str
) -> None:
    plan, folder = replace(plan, steps=30, checkpoint_every=5), RunFolder(tmp_path / "run")

    def fill() -> None:
        wait_until(lambda: is_past(folder, 5) and training_workers(), "step 5")
        room = 100_000 if full == "checkpoint" else folder.metrics.stat().st_size
        for pid in training_workers():  # the kernel lets them write no more than that into a file
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (room, room))

    filler = threading.Thread(target=fill)
    filler.start()
    with pytest.raises(OSError, match=r"safetensors|metrics\.jsonl") as raised:
        launch(plan, folder.path, tracking_uri=tracking_uri, model_name="full")
    filler.join()
    assert is_out_of_room(raised.value)
    assert folder.whole_checkpoint() is not None
    assert launch(plan, folder.path, tracking_uri=tracking_uri, model_name="full").registration
    assert [record["step"] for record in read_log(folder.metrics)] == [*range(1, 31)]


def test_a_tracking_server_that_is_killed_and_comes_back_has_every_step_once(
    plan: TrainingPlan, tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stemwright_platform.training.outage.LONGEST_PAUSE_S", 2.0)
    server.start()
    server.wait()

    def fit(plan: TrainingPlan, folder: RunFolder, *rest: object) -> None:
        def on_step(record: Record) -> None:
            if record["step"] == 10:
                wait_until(lambda: (folder.facts() or {}).get("tracking_run"), "the run in MLflow")
                server.kill()
            if record["step"] == 40:
                server.start()
                server.wait()

        train_locally(
            plan.preset,
            plan.data,
            folder.path,
            steps=60,
            checkpoint_every=20,
            validation_windows=plan.validation_windows,
            on_step=on_step,
        )

    monkeypatch.setattr("stemwright_platform.training.launch.fit", fit)
    outcome = launch(replace(plan, steps=60), tmp_path / "run", tracking_uri=server.uri)
    assert outcome.tracking_failure is None
    assert outcome.registration
    client, facts = open_client(server.uri), outcome.folder.facts() or {}
    assert logged(client, facts["tracking_run"]) == [*range(1, 61)]
    assert [m.step for m in client.get_metric_history(facts["tracking_run"], "validation.loss")] == [
        20,
        40,
        60,
    ]
    assert client.get_run(facts["tracking_run"]).info.status == "FINISHED"
    assert len(client.search_runs([client.get_run(facts["tracking_run"]).info.experiment_id])) == 1


def test_the_command_goes_on_after_it_was_killed_and_leaves_no_processes(
    make_latents: Callable[..., Path], tmp_path: Path
) -> None:
    data = make_latents({"song": 400, "short": 300, "other": 250}, held_out=["other"])
    folder, uri = RunFolder(tmp_path / "run"), f"sqlite:///{tmp_path}/mlflow.db"
    words = ["train", "--preset", "tiny", "--data", str(data), "--out", str(folder.path)]
    words += ["--steps", "80", "--checkpoint-every", "5", "--tracking-uri", uri]
    start = [sys.executable, "-c", "from stemwright_platform.cli import main; main()", *words]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(start, env=environment, stderr=subprocess.DEVNULL) as process:
        wait_until(lambda: is_past(folder, 10), "step 10")
        left = [*below(process.pid)]
        process.kill()
    again = subprocess.run(start, env=environment, capture_output=True, text=True, timeout=600)
    assert again.returncode == 0, again.stderr
    wait_until(lambda: not [pid for pid in left if is_of_ray(pid)], "the end of the first cluster")
    client = open_client(uri)
    experiment = client.get_experiment_by_name("stemwright")
    assert experiment
    runs = client.search_runs([experiment.experiment_id])
    assert [run.info.status for run in runs] == ["FINISHED"]
    assert logged(client, runs[0].info.run_id) == [*range(1, 81)]


def is_past(folder: RunFolder, step: int) -> bool:
    return max(folder.checkpoints(), default=0) >= step


def is_of_ray(pid: int) -> bool:
    return any(name in command(pid) for name in ("ray::", "raylet", "gcs_server"))


def figures(folder: RunFolder) -> list[Record]:
    records = read_log(folder.metrics) + read_log(folder.validation)
    return [{name: value for name, value in record.items() if name not in CLOCK} for record in records]


def state(folder: RunFolder, step: int) -> dict[str, bytes]:
    tensors = load_file(folder.checkpoint(step) / "training.safetensors")
    return {name: tensor.numpy().tobytes() for name, tensor in tensors.items()}


def logged(client: Any, run_id: str, name: str = "loss") -> list[int]:
    return [metric.step for metric in client.get_metric_history(run_id, name)]

"""A job submitted from a source tree to a cluster of two nodes, each a Ray of its own on this machine."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from stemwright.checkpoint import load_checkpoint
from stemwright.training_log import read_log
from stemwright_platform.training.registry import resolve_model

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
RAY = str(Path(sys.executable).with_name("ray"))
PORTS = range(21000, 31000)
"""Ray takes 10002 to 19999 for its workers, the system what is above 32767."""
STARTING_S = 120.0
WITNESS = '''

_train_worker = train_worker


def train_worker(config):
    """Say, for the test that submitted this, who runs it."""
    import ray

    Path({folder!r}, ray.get_runtime_context().get_node_id()).write_text(__file__)
    return _train_worker(config)
'''
"""What the submitted tree has and the installed one has not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cluster:
    """A running one."""

    dashboard: str
    """Where jobs are submitted to."""
    nodes: frozenset[str]
    """Ids."""


def free_ports() -> Iterator[int]:
    """Ports that nobody listens on, each once."""
    for port in PORTS:
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                continue
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        yield port


def environment() -> dict[str, str]:
    """As on a node of a cluster: nothing of this session's Ray or of its paths."""
    foreign = ("PYTHONPATH", "RAY_ADDRESS", "RAY_API_SERVER_ADDRESS")
    kept = {name: value for name, value in os.environ.items() if name not in foreign}
    return {**kept, "RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0", "OMP_NUM_THREADS": "1"}


def started(ports: Iterator[int], own: Path, *words: str) -> subprocess.Popen[bytes]:
    """A node of one CPU, with ports and a folder of its own: in one, nodes take away each other's code."""
    named = ("dashboard-agent-listen", "dashboard-agent-grpc", "metrics-export", "runtime-env-agent")
    options = [word for name in named for word in (f"--{name}-port", str(next(ports)))]
    command = [RAY, "start", "--block", "--num-cpus", "1", "--object-store-memory", str(100 << 20)]
    command += ["--temp-dir", str(own)]
    own.mkdir()
    with own.with_suffix(".log").open("wb") as output:
        return subprocess.Popen(
            [*command, *options, *words], env=environment(), stdout=output, stderr=subprocess.STDOUT
        )


def alive_nodes(dashboard: str) -> frozenset[str]:
    try:
        with urllib.request.urlopen(f"{dashboard}/api/v0/nodes", timeout=5) as answer:
            nodes = json.load(answer)["data"]["result"]["result"]
    except (OSError, KeyError, TypeError):
        return frozenset()  # it is not up yet
    return frozenset(node["node_id"] for node in nodes if node["state"] == "ALIVE")


def wait_for(number: int, dashboard: str, logs: Path) -> frozenset[str]:
    end = time.monotonic() + STARTING_S
    while len(nodes := alive_nodes(dashboard)) < number:
        said = "\n".join(path.read_text() for path in sorted(logs.glob("*.log")))
        assert time.monotonic() < end, f"{len(nodes)} of {number} nodes came up\n{said}"
        time.sleep(0.5)
    return nodes


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    # Ray's sockets lie below and their paths must be short
    with tempfile.TemporaryDirectory(prefix="nodes-", ignore_cleanup_errors=True) as folder:
        yield from two_nodes(Path(folder))


def two_nodes(folder: Path) -> Iterator[Cluster]:
    """Both up; ended at the end."""
    ports = free_ports()
    gcs, dashboard = str(next(ports)), str(next(ports))
    url = f"http://127.0.0.1:{dashboard}"
    head = ("--head", "--port", gcs, "--dashboard-port", dashboard, "--ray-client-server-port")
    nodes = [started(ports, folder / "head", *head, str(next(ports)))]
    try:
        wait_for(1, url, folder)
        nodes.append(started(ports, folder / "worker", "--address", f"127.0.0.1:{gcs}"))
        yield Cluster(dashboard=url, nodes=wait_for(2, url, folder))
    finally:
        for node in reversed(nodes):  # never `ray stop`: it ends every Ray of the machine
            node.send_signal(signal.SIGTERM)
            try:
                node.wait(40)
            except subprocess.TimeoutExpired:
                node.kill()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the sources, in which training tells where it runs."""
    tree = tmp_path / "tree"
    for name in ("jobs", "model", "platform", "deploy"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "witnesses").mkdir()
    with (tree / "platform/stemwright_platform/training/worker.py").open("a") as worker:
        worker.write(WITNESS.format(folder=str(tmp_path / "witnesses")))
    return tree


def submit(cluster: Cluster, tree: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """As the guide says, from the root of a tree."""
    command = [RAY, "job", "submit", "--address", cluster.dashboard]
    return subprocess.run(
        [*command, "--runtime-env", "deploy/runtime-env.yaml", "--", sys.executable, *words],
        cwd=tree,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=400,
    )


def test_a_submitted_training_runs_its_own_code_on_both_nodes_and_registers_a_model(
    cluster: Cluster, tree: Path, make_latents: Callable[..., Path], tmp_path: Path
) -> None:
    data = make_latents({"song": 900, "other": 900, "third": 900}, held_out=["other"])
    store, run = f"sqlite:///{tmp_path}/mlflow.db", tmp_path / "run"
    options: dict[str, Any] = {"--preset": "tiny", "--data": data, "--out": run, "--steps": 3, "--workers": 2}
    options |= {"--tracking-uri": store, "--model-name": "pair"}
    words = [str(part) for option in options.items() for part in option]
    done = submit(cluster, tree, "jobs/train_denoiser.py", *words)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert "models:/pair/1, champion" in done.stdout
    witnesses = {path.name: path.read_text() for path in (tmp_path / "witnesses").iterdir()}
    assert witnesses.keys() == cluster.nodes  # a worker needs a node's only CPU
    for ran in witnesses.values():
        assert "/runtime_resources/py_modules_files/" in ran
        assert not Path(ran).is_relative_to(ROOT)
    assert [record["step"] for record in read_log(run / "metrics.jsonl")] == [1, 2, 3]
    registered = load_checkpoint(resolve_model("models:/pair@champion", tracking_uri=store))
    assert registered.fingerprint == load_checkpoint(run).fingerprint
    assert registered.origin.facts["workers"] == 2

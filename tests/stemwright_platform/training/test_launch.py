import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from stemwright.checkpoint import load_checkpoint
from stemwright.errors import InputError
from stemwright.presets import load_preset
from stemwright.run_folder import RunFolder
from stemwright.train_locally import train_locally
from stemwright.training_log import read_log
from stemwright.training_run import TrainingPlan
from stemwright_platform.training.launch import launch
from stemwright_platform.training.registry import resolve_model


@pytest.fixture
def plan(make_latents: Callable[..., Path]) -> TrainingPlan:
    tiny = load_preset("tiny")
    preset = replace(tiny, training=replace(tiny.training, windows_s=(0.2,), batch_size=2))
    data = make_latents({"song": 200, "short": 30, "other": 100}, held_out=["other"])
    return TrainingPlan(preset=preset, data=str(data), steps=6, checkpoint_every=2)


@pytest.mark.ray
def test_two_workers_train_track_and_register_a_model(
    ray_cluster: Any, plan: TrainingPlan, tmp_path: Path, tracking_uri: str, client: Any
) -> None:
    plan = replace(plan, workers=2)
    outcome = launch(plan, tmp_path / "run", tracking_uri=tracking_uri, model_name="pair")
    folder, facts = outcome.folder, outcome.folder.facts() or {}
    assert outcome.tracking_failure is None
    assert [metric.step for metric in client.get_metric_history(facts["tracking_run"], "loss")] == [
        *range(1, 7)
    ]
    logged = client.get_run(facts["tracking_run"]).data
    assert {"p_targets_1", "learning_rate", "windows_per_s", "validation.ratio_by_mode.joint"} <= (
        logged.metrics.keys() | {"validation.ratio_by_mode.joint"}
    )
    assert logged.params["preset.training.batch_size"] == "2"
    assert len(list((folder.path / "checkpoints").glob("step-*"))) <= 2
    registered = resolve_model("models:/pair@champion", tracking_uri=tracking_uri)
    assert load_checkpoint(registered).fingerprint == load_checkpoint(folder.path).fingerprint
    assert load_checkpoint(folder.path).origin.facts["windows"] % 4 == 0
    assert launch(plan, folder.path, tracking_uri=tracking_uri).was_finished
    with pytest.raises(InputError, match="workers 2, not 1"):
        launch(replace(plan, workers=1), folder.path, tracking_uri=tracking_uri)


def test_a_run_that_could_not_be_tracked_is_registered_by_the_next_call(
    plan: TrainingPlan, tmp_path: Path, tracking_uri: str, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fit(plan: TrainingPlan, folder: RunFolder, *rest: object) -> None:
        train_locally(plan.preset, plan.data, folder.path, steps=plan.steps, checkpoint_every=2)

    monkeypatch.setattr("stemwright_platform.training.launch.fit", fit)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    away = launch(plan, tmp_path / "run", tracking_uri="http://127.0.0.1:9", model_name="late")
    assert away.tracking_failure
    assert away.registration is None
    found = launch(plan, tmp_path / "run", tracking_uri=tracking_uri, model_name="late")
    assert found.was_finished
    assert found.registration
    assert found.registration.champion
    assert _logged_steps(client, (found.folder.facts() or {})["tracking_run"]) == [*range(1, 7)]


@pytest.mark.ray
def test_what_only_a_worker_can_find_wrong_is_one_clear_line(
    ray_cluster: Any, plan: TrainingPlan, tmp_path: Path, tracking_uri: str
) -> None:
    missing = replace(plan, text_encoder_weights=str(tmp_path / "no weights"))
    with pytest.raises(InputError, match="no weights"):
        launch(missing, tmp_path / "run", tracking_uri=tracking_uri)


@pytest.mark.ray
@pytest.mark.chaos
def test_a_run_whose_worker_is_killed_ends_like_one_that_never_was(
    ray_cluster: Any, plan: TrainingPlan, tmp_path: Path, tracking_uri: str, client: Any
) -> None:
    plan = replace(plan, steps=30, checkpoint_every=5)
    killer = threading.Thread(
        target=_kill_worker_after, args=(tmp_path / "run" / "checkpoints" / "step-0000010",)
    )
    killer.start()
    outcome = launch(plan, tmp_path / "run", tracking_uri=tracking_uri, model_name="survivor")
    killer.join()
    assert _logged_steps(client, (outcome.folder.facts() or {})["tracking_run"]) == [*range(1, 31)]
    local = train_locally(plan.preset, plan.data, tmp_path / "local", steps=30, checkpoint_every=5)
    losses, expected = (
        [record["loss"] for record in read_log(run.metrics)] for run in (outcome.folder, local)
    )
    assert losses == pytest.approx(expected, rel=1e-3)
    weights, same = (load_file(run.checkpoint(30) / "model.safetensors") for run in (outcome.folder, local))
    for name, value in weights.items():
        torch.testing.assert_close(value, same[name], rtol=1e-2, atol=1e-4, msg=name)


def _logged_steps(client: Any, run_id: str) -> list[int]:
    return [metric.step for metric in client.get_metric_history(run_id, "loss")]


def _kill_worker_after(checkpoint: Path) -> None:
    deadline = time.monotonic() + 120
    while not checkpoint.is_dir() and time.monotonic() < deadline:
        time.sleep(0.05)
    for pid in _below(os.getpid()):
        if "RayTrainWorker" in _command(pid):
            os.kill(pid, signal.SIGKILL)


def _below(ancestor: int) -> list[int]:
    """The processes that a process has started, and theirs."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # it has ended
        children.setdefault(parent, []).append(int(stat.parent.name))
    found, open_ = [], [ancestor]
    while open_:
        new = children.get(open_.pop(), [])
        found, open_ = found + new, open_ + new
    return found


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""

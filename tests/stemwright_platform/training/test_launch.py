from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from stemwright.checkpoint import load_checkpoint
from stemwright.errors import InputError
from stemwright.run_folder import RunFolder
from stemwright.train_locally import train_locally
from stemwright.training_log import Record, read_log
from stemwright.training_run import TrainingPlan
from stemwright_platform.training.launch import WorkersLost, launch
from stemwright_platform.training.registry import resolve_model


@pytest.mark.ray
def test_two_workers_with_a_shard_each_train_track_and_register_a_model(
    ray_cluster: Any, plan: TrainingPlan, tmp_path: Path, tracking_uri: str, client: Any
) -> None:
    training = replace(plan.preset.training, parallel="fsdp")
    plan = replace(plan, preset=replace(plan.preset, training=training), workers=2)
    outcome = launch(plan, tmp_path / "run", tracking_uri=tracking_uri, model_name="pair")
    folder, facts = outcome.folder, outcome.folder.facts() or {}
    assert outcome.tracking_failure is None
    assert [metric.step for metric in client.get_metric_history(facts["tracking_run"], "loss")] == [
        *range(1, 7)
    ]
    logged = client.get_run(facts["tracking_run"]).data
    assert {"p_targets_1", "learning_rate", "windows_per_s"} <= logged.metrics.keys()
    assert any(name.startswith("validation.ratio_by_mode.") for name in logged.metrics)
    assert logged.params["preset.training.batch_size"] == "2"
    assert list(folder.checkpoints())[-2:] == [4, 6]
    assert not list(folder.path.rglob("checkpoint_manager_snapshot.json"))
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
        train_locally(
            plan.preset,
            plan.data,
            folder.path,
            steps=plan.steps,
            checkpoint_every=2,
            validation_windows=plan.validation_windows,
        )

    monkeypatch.setattr("stemwright_platform.training.launch.fit", fit)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with monkeypatch.context() as patience:
        patience.setattr("stemwright_platform.training.tracking.CLOSING_S", 1.0)
        away = launch(plan, tmp_path / "run", tracking_uri="http://127.0.0.1:9", model_name="late")
    assert away.tracking_failure
    assert away.registration is None
    found = launch(plan, tmp_path / "run", tracking_uri=tracking_uri, model_name="late")
    assert found.was_finished
    assert found.registration
    assert found.registration.champion
    assert logged_steps(client, (found.folder.facts() or {})["tracking_run"]) == [*range(1, 7)]


@pytest.mark.ray
def test_what_only_a_worker_can_find_wrong_is_one_clear_line(
    ray_cluster: Any, plan: TrainingPlan, tmp_path: Path, tracking_uri: str
) -> None:
    missing = replace(plan, text_encoder_weights=str(tmp_path / "no weights"))
    with pytest.raises(InputError, match="no weights"):
        launch(missing, tmp_path / "run", tracking_uri=tracking_uri)


@pytest.mark.ray
def test_what_one_worker_of_two_finds_wrong_ends_them_both_with_one_clear_line(
    ray_cluster: Any, plan: TrainingPlan, tmp_path: Path, tracking_uri: str
) -> None:
    tiny = replace(plan.preset, training=replace(plan.preset.training, batch_size=1))
    shard = Path(str(plan.data)) / "shard-00001.parquet"
    shard.write_bytes(shard.read_bytes()[:-30])  # the song that one of the two reads in the first step
    with pytest.raises(InputError, match=r"shard-00001\.parquet"):
        launch(replace(plan, preset=tiny, workers=2), tmp_path / "run", tracking_uri=tracking_uri)


@pytest.mark.ray
def test_a_training_that_diverges_is_one_clear_line_and_names_the_songs(
    ray_cluster: Any, plan: TrainingPlan, tmp_path: Path, tracking_uri: str
) -> None:
    for number in range(2):
        fill_with_nan(Path(str(plan.data)) / f"shard-{number:05d}.parquet")
    with pytest.raises(InputError, match=r"training has diverged: .* the loss is nan") as raised:
        launch(replace(plan, steps=30), tmp_path / "run", tracking_uri=tracking_uri)
    assert "\n" not in str(raised.value)
    skipped = read_log(RunFolder(tmp_path / "run").skipped)
    assert {window["song"] for record in skipped for window in record["windows"]} == {"song", "short"}
    assert [record["step"] for record in skipped] == [*range(1, len(skipped) + 1)]


def test_one_run_is_launched_once_at_a_time(plan: TrainingPlan, tmp_path: Path, tracking_uri: str) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.begin(plan)
    with folder.launching(), pytest.raises(InputError, match="being trained by another process"):
        launch(plan, folder.path, tracking_uri=tracking_uri)


def test_any_number_of_lost_workers_is_outlived_as_long_as_the_run_gets_on(
    plan: TrainingPlan, tmp_path: Path, tracking_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts = []

    def fit(plan: TrainingPlan, folder: RunFolder, *rest: object) -> None:
        def lose_the_worker(record: Record) -> None:
            if record["step"] == len(starts) + 2:
                raise WorkersLost("training failed: a node is gone")

        starts.append(len(folder.checkpoints()))
        train_locally(
            plan.preset,
            plan.data,
            folder.path,
            steps=plan.steps,
            checkpoint_every=1,
            validation_windows=plan.validation_windows,
            on_step=lose_the_worker if len(starts) < 5 else lambda record: None,
        )

    monkeypatch.setattr("stemwright_platform.training.launch.fit", fit)
    assert launch(plan, tmp_path / "run", tracking_uri=tracking_uri, model_name="nomad").registration
    assert len(starts) == 5


def test_a_run_that_does_not_get_on_ends(
    plan: TrainingPlan, tmp_path: Path, tracking_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts = []

    def fit(plan: TrainingPlan, folder: RunFolder, *rest: object) -> None:
        starts.append(folder)
        raise WorkersLost("training failed: out of memory")

    monkeypatch.setattr("stemwright_platform.training.launch.fit", fit)
    with pytest.raises(WorkersLost, match="out of memory"):
        launch(plan, tmp_path / "run", tracking_uri=tracking_uri)
    assert len(starts) == 1


def logged_steps(client: Any, run_id: str) -> list[int]:
    return [metric.step for metric in client.get_metric_history(run_id, "loss")]


def fill_with_nan(shard: Path) -> None:
    """Let all latents of a shard be no numbers."""
    content = shard.read_bytes()
    for latents in pq.read_table(shard)["latents"].to_pylist():
        content = content.replace(latents, np.full(len(latents) // 2, np.nan, np.float16).tobytes())
    shard.write_bytes(content)

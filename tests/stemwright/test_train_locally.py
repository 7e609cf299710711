import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors
import torch
from safetensors.torch import load_file
from toy_learning import HashedText, toy_preset

import stemwright.checkpoint
import stemwright.training_loop
from stemwright.checkpoint import load_checkpoint
from stemwright.errors import InputError
from stemwright.run_folder import RunFolder
from stemwright.train_locally import train_locally
from stemwright.training_log import Record, read_log


@pytest.fixture
def train(make_latents: Callable[..., Path], tmp_path: Path) -> Callable[..., RunFolder]:
    """Trains a toy on random latents, as `train("out", steps=6)`."""
    data = make_latents({"song": 200, "short": 30, "other": 100}, held_out=["other"])
    preset = toy_preset(windows_s=(0.2, 0.4), batch_size=2)

    def run(out: str, **arguments: Any) -> RunFolder:
        arguments = {"steps": 6, "checkpoint_every": 2, "text_encoder": HashedText(), **arguments}
        arguments = {"validation_windows": 2, **arguments}
        return train_locally(preset, data, tmp_path / out, **arguments)

    return run


def interrupt_at(step: int) -> Callable[[Record], None]:
    def on_step(record: Record) -> None:
        if record["step"] == step:
            raise KeyboardInterrupt

    return on_step


def weights(folder: RunFolder) -> dict[str, torch.Tensor]:
    latest = folder.latest_checkpoint()
    assert latest is not None
    return load_file(latest / "training.safetensors")


def differing(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> list[str]:
    """Names of what is not the same to the bit."""
    assert one.keys() == other.keys()
    return [name for name, values in one.items() if not torch.equal(values, other[name])]


def test_a_run_leaves_a_model_a_log_the_last_checkpoints_and_the_best(
    train: Callable[..., RunFolder],
) -> None:
    folder = train("run", keep_checkpoints=1)
    records = read_log(folder.metrics)
    assert [record["step"] for record in records] == [1, 2, 3, 4, 5, 6]
    assert {"loss", "learning_rate", "p_targets_4", "windows_per_s", "audio_s_per_s"} <= records[0].keys()
    assert [record["step"] for record in read_log(folder.validation)] == [2, 4, 6]
    best = min(read_log(folder.validation), key=lambda record: record["loss"])
    assert load_checkpoint(folder.path).origin.facts["steps"] == best["step"]
    assert set(folder.checkpoints()) == {6, best["step"]}
    assert not (folder.model / "training.safetensors").exists()


def test_interrupted_at_any_step_a_run_goes_on_to_the_same_weights_and_figures(
    make_latents: Callable[..., Path], tmp_path: Path
) -> None:
    data = make_latents({"song": 200, "short": 30, "other": 100}, held_out=["other"])
    preset = toy_preset(
        windows_s=(0.1, 0.2),
        batch_size=1,
        p1=0.7,
        p2=0.7,
        p2_starts_at_epoch=0,
        teacher_steps=2,
        region_probability=0.5,
    )

    def run(out: str, on_step: Callable[[Record], None] = lambda record: None) -> RunFolder:
        return train_locally(
            preset,
            data,
            tmp_path / out,
            steps=6,
            checkpoint_every=2,
            validation_windows=2,
            text_encoder=HashedText(),
            on_step=on_step,
        )

    whole = run("whole")
    expected = weights(whole)
    assert sum(record["teacher_served"] for record in read_log(whole.metrics)) > 0
    for step in range(1, 7):
        with pytest.raises(KeyboardInterrupt):
            run(f"stopped {step}", interrupt_at(step))
        resumed = run(f"stopped {step}")
        assert differing(weights(resumed), expected) == [], step
        assert figures(resumed) == figures(whole), step
        assert published(resumed) == published(whole)


def test_means_over_several_steps_are_the_same_after_an_interruption(
    train: Callable[..., RunFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stemwright.training_loop, "MAX_RECORDS", 2)
    whole = train("whole")
    with pytest.raises(KeyboardInterrupt):
        train("stopped", on_step=interrupt_at(4))
    assert figures(train("stopped")) == figures(whole)


def published(folder: RunFolder) -> bytes:
    return (folder.model / "model.safetensors").read_bytes()


def figures(folder: RunFolder) -> list[dict[str, Any]]:
    """All that a run wrote down, but for what its clock said."""
    clock = {"step_s", "windows_per_s", "audio_s_per_s", "train_s"}
    records = read_log(folder.metrics) + read_log(folder.validation)
    return [{name: value for name, value in record.items() if name not in clock} for record in records]


def test_a_finished_run_is_left_alone(train: Callable[..., RunFolder]) -> None:
    written = train("run").metrics.read_bytes()
    assert train("run").metrics.read_bytes() == written


def test_a_folder_of_another_run_or_of_other_things_is_refused(
    train: Callable[..., RunFolder], tmp_path: Path
) -> None:
    train("run")
    with pytest.raises(InputError, match=r"other settings \(seed 0, not 1\)"):
        train("run", seed=1)
    (tmp_path / "diary").mkdir()
    (tmp_path / "diary" / "monday.txt").write_text("rain")
    with pytest.raises(InputError, match="is no training run"):
        train("diary")


def test_a_full_disk_costs_no_checkpoint_and_the_run_goes_on_once_there_is_room(
    train: Callable[..., RunFolder], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_file = stemwright.checkpoint.save_file

    def full(tensors: dict[str, torch.Tensor], path: Path) -> None:
        if "step-0000004" in str(path) and path.name == "training.safetensors":
            path.write_bytes(b"as much as there was room for")
            raise safetensors.SafetensorError(f"I/O error: {os.strerror(errno.ENOSPC)} (os error 28)")
        save_file(tensors, path)

    with monkeypatch.context() as patch:
        patch.setattr(stemwright.checkpoint, "save_file", full)
        with pytest.raises(OSError, match="No space left") as raised:
            train("run")
    assert raised.value.errno == errno.ENOSPC
    latest = RunFolder(tmp_path / "run").latest_checkpoint()
    assert latest is not None
    assert latest.name == "step-0000002"
    assert not list(latest.parent.glob(".*"))
    assert [record["step"] for record in read_log(train("run").metrics)] == [1, 2, 3, 4, 5, 6]


def test_a_run_whose_last_checkpoint_was_damaged_ends_like_one_whose_was_not(
    train: Callable[..., RunFolder], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = train("whole")
    with pytest.raises(KeyboardInterrupt):
        train("cut", on_step=interrupt_at(5))
    last = RunFolder(tmp_path / "cut").checkpoint(4) / "training.safetensors"
    last.write_bytes(last.read_bytes()[:1000])
    resumed = train("cut")
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert "step-0000004 is broken (training.safetensors has 1,000 bytes" in said[0]
    assert said[0].endswith("going on from step-0000002")
    assert figures(resumed) == figures(whole)
    assert differing(weights(resumed), weights(whole)) == []


def test_a_time_budget_ends_about_in_time(train: Callable[..., RunFolder]) -> None:
    folder = train("run", steps=None, minutes=0.05, checkpoint_every=None)
    last = read_log(folder.metrics)[-1]
    assert last["step"] == last["total_steps"]
    assert last["train_s"] < 3 * 3.0

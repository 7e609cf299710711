import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from toy_learning import HashedText, toy_preset

from stemwright.errors import InputError
from stemwright.run_folder import RunFolder
from stemwright.train_locally import train_locally
from stemwright.training_run import TrainingPlan

SEALED = ["checkpoint.json", "model.safetensors", "stats.safetensors", "training.safetensors", "files.json"]


@pytest.fixture
def folder(make_latents: Callable[..., Path], tmp_path: Path) -> RunFolder:
    """A run of three steps with a checkpoint at each."""
    preset = toy_preset(windows_s=(0.2,), batch_size=1)
    return train_locally(
        preset,
        make_latents({"song": 60, "other": 60}, held_out=["other"]),
        tmp_path / "run",
        steps=3,
        checkpoint_every=1,
        keep_checkpoints=3,
        validation_windows=2,
        text_encoder=HashedText(),
    )


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def test_a_checkpoint_with_any_file_cut_short_is_passed_over_and_named(folder: RunFolder) -> None:
    for name in SEALED:
        last, before = folder.checkpoint(3) / name, folder.checkpoint(2)
        whole = last.read_bytes()
        for content in (whole[:-2], b"", b"\0" * len(whole)):
            last.write_bytes(content)
            said: list[str] = []
            assert folder.whole_checkpoint(said.append) == before, name
            assert len(said) == 1
            assert "step-0000003 is broken" in said[0]
            assert name in said[0]
            assert said[0].endswith("going on from step-0000002")
        last.unlink()
        assert folder.whole_checkpoint() == before
        last.write_bytes(whole)
    said = []
    assert folder.whole_checkpoint(said.append) == folder.checkpoint(3)
    assert not said


def test_where_no_checkpoint_is_whole_that_is_one_line_with_the_remedy(folder: RunFolder) -> None:
    for path in folder.checkpoints().values():
        cut(path / "training.safetensors")
    with pytest.raises(InputError, match=r"no older one is whole: bring one back") as raised:
        folder.whole_checkpoint()
    assert "\n" not in str(raised.value)


def test_a_run_without_checkpoints_has_none_to_go_on_from(tmp_path: Path) -> None:
    assert RunFolder(tmp_path).whole_checkpoint() is None


def test_the_newest_the_best_and_what_is_not_ours_are_kept(folder: RunFolder) -> None:
    folder.validation.write_text("".join(f'{{"step": {s}, "loss": {s}}}\n' for s in (1, 2, 3)))
    shutil.copytree(folder.checkpoint(3), folder.checkpoint(4))
    shutil.copytree(folder.checkpoint(2), folder.checkpoint(2).with_suffix(".copy"))
    folder.prune(newest=1, up_to=3)  # as if the run had gone on from step 3
    assert list(folder.checkpoints()) == [1, 3]
    names = {path.name for path in (folder.path / "checkpoints").iterdir()}
    assert names == {"step-0000001", "step-0000002.copy", "step-0000003"}


def test_checkpoints_come_in_the_order_of_their_steps(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    for step in (10_000_000, 9_999_999, 20):
        folder.checkpoint(step).mkdir(parents=True)
        (folder.checkpoint(step) / "checkpoint.json").touch()
    assert list(folder.checkpoints()) == [20, 9_999_999, 10_000_000]
    assert folder.latest_checkpoint() == folder.checkpoint(10_000_000)


def test_the_best_step_is_of_a_finite_loss(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.validation.write_text('{"step": 1, "loss": NaN}\n{"step": 2, "loss": 3}\n{"step": 3, "loss": 4}\n')
    assert folder.best_step(up_to=3) == 2
    assert folder.best_step(up_to=1) is None


def test_a_run_keeps_its_name_through_all_starts_and_how_much_is_kept_may_change(
    make_latents: Callable[..., Path], tmp_path: Path
) -> None:
    data = str(make_latents({"song": 60}))
    folder, preset = RunFolder(tmp_path / "run"), toy_preset()
    first = folder.begin(TrainingPlan(preset=preset, data=data, steps=3))
    again = folder.begin(TrainingPlan(preset=preset, data=data, steps=3, keep_checkpoints=9))
    assert first["id"] == again["id"]
    assert len(first["id"]) == 32
    folder.note(tracking_run="7")
    assert json.loads((folder.path / "run.json").read_text()) == {**again, "tracking_run": "7"}


def test_no_checkpoint_at_all_cannot_be_asked_for(make_latents: Callable[..., Path]) -> None:
    with pytest.raises(InputError, match="keep 0"):
        TrainingPlan(preset=toy_preset(), data=str(make_latents({"song": 60})), steps=1, keep_checkpoints=0)

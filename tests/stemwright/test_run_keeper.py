import errno
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from toy_learning import HashedText, toy_preset

from stemwright.checkpoint import load_checkpoint
from stemwright.errors import is_out_of_room
from stemwright.run_folder import RunFolder
from stemwright.run_keeper import RunKeeper
from stemwright.training_log import read_log
from stemwright.training_run import TrainingPlan, TrainingRun


@pytest.fixture
def begin(make_latents: Callable[..., Path], tmp_path: Path) -> Callable[[], tuple[TrainingRun, RunFolder]]:
    """A process that starts or goes on with one and the same run, as `run, folder = begin()`."""
    preset = toy_preset(windows_s=(0.2,), batch_size=1)
    data = make_latents({"song": 60, "other": 60}, held_out=["other"])
    plan = TrainingPlan(preset=preset, data=str(data), steps=9, validation_windows=1)

    def begin() -> tuple[TrainingRun, RunFolder]:
        run, folder = TrainingRun.of(plan, text_encoder=HashedText()), RunFolder(tmp_path / "run")
        folder.begin(plan)
        if latest := folder.whole_checkpoint():
            run.resume(latest)
        return run, folder

    return begin


@contextmanager
def files_of_at_most(num_bytes: int) -> Iterator[None]:
    """As a full disk does, the kernel refuses to write more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def step(run: TrainingRun) -> None:
    run.learner.step(run.windows.batch(run.learner.step_count))


def published_step(folder: RunFolder) -> int:
    return load_checkpoint(folder.path).origin.facts["steps"]


def test_a_model_that_a_killed_process_did_not_publish_is_published_by_the_next(
    begin: Callable[[], tuple[TrainingRun, RunFolder]], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, folder = begin()
    keeper = RunKeeper(run, folder)
    step(run)
    with monkeypatch.context() as patch:
        patch.setattr("stemwright.run_keeper.publish_checkpoint", lambda *_: pytest.fail("killed"))
        with pytest.raises(pytest.fail.Exception, match="killed"):
            keeper.checkpoint()
    keeper.close()
    (folder.path / ".model.partial-77").mkdir()
    (folder.path / "checkpoints" / ".step-0000002.partial-77").mkdir()
    RunKeeper(*begin()).close()
    assert published_step(folder) == 1
    names = {path.name for path in [*folder.path.iterdir(), *folder.checkpoint(1).parent.iterdir()]}
    assert not {name for name in names if "partial" in name}


def test_a_damaged_model_is_published_anew(begin: Callable[[], tuple[TrainingRun, RunFolder]]) -> None:
    run, folder = begin()
    keeper = RunKeeper(run, folder)
    step(run)
    keeper.checkpoint()
    keeper.close()
    before = load_checkpoint(folder.path).fingerprint
    (folder.model / "model.safetensors").write_bytes(b"half")
    RunKeeper(*begin()).close()
    assert load_checkpoint(folder.path).fingerprint == before


def test_records_wait_for_room_and_none_is_lost(begin: Callable[[], tuple[TrainingRun, RunFolder]]) -> None:
    run, folder = begin()
    keeper = RunKeeper(run, folder)
    keeper.record({"step": 1, "loss": 0.5})
    with files_of_at_most(folder.metrics.stat().st_size + 3):
        keeper.record({"step": 2, "loss": 0.4})
        step(run)
        with pytest.raises(OSError, match="metrics") as raised:
            keeper.checkpoint()
    assert is_out_of_room(raised.value)
    assert raised.value.filename == str(folder.metrics)
    assert folder.checkpoints() == {}
    keeper.record({"step": 3, "loss": 0.3})
    keeper.close()
    assert [record["step"] for record in read_log(folder.metrics)] == [1, 2, 3]


def test_a_checkpoint_without_room_is_named_and_leaves_the_one_before(
    begin: Callable[[], tuple[TrainingRun, RunFolder]],
) -> None:
    run, folder = begin()
    keeper = RunKeeper(run, folder)
    step(run)
    keeper.checkpoint()
    step(run)
    with files_of_at_most(100_000), pytest.raises(OSError, match="safetensors") as raised:
        keeper.checkpoint()
    keeper.close()
    assert raised.value.errno == errno.EFBIG
    assert [path.name for path in folder.checkpoint(1).parent.iterdir()] == ["step-0000001"]
    assert published_step(folder) == 1
    assert begin()[0].learner.step_count == 1

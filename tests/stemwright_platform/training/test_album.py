from pathlib import Path

import pytest

import stemwright_platform.training.album
from stemwright.run_folder import RunFolder
from stemwright.train_locally import train_locally
from stemwright.training_run import TrainingPlan
from stemwright_platform.training.album import Album


class Diary:
    """What a `Tracking` is asked to send."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, set[str]]] = []

    def log_folder(self, folder: Path, name: str) -> None:
        self.sent.append((name, {path.name for path in folder.iterdir()}))


def kept(plan: TrainingPlan, out: Path, diary: Diary) -> RunFolder:
    folder = RunFolder(out)
    folder.begin(plan)
    with Album(folder, plan, diary):  # pyright: ignore[reportArgumentType]
        windows = plan.validation_windows
        train_locally(
            plan.preset, plan.data, out, steps=plan.steps, checkpoint_every=2, validation_windows=windows
        )
    return folder


def test_pictures_lie_in_the_run_and_go_to_the_diary(plan: TrainingPlan, tmp_path: Path) -> None:
    diary = Diary()
    folder = kept(plan, tmp_path / "run", diary)
    assert diary.sent[0] == ("curves", {"curriculum.png"})  # before the first step
    assert ("curves", {"curriculum.png", "training_curves.png"}) in diary.sent
    assert ("validation", {"by_task_and_noise.png", "validation.jsonl"}) in diary.sent
    copied = folder.path / "validation" / "validation.jsonl"
    assert copied.read_bytes() == folder.validation.read_bytes()
    assert not (folder.path / "samples").exists()


def test_a_picture_that_fails_is_said_and_stops_nothing(
    plan: TrainingPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("stemwright_platform.training.training_curves.draw_training_curves", broken)
    folder = kept(plan, tmp_path / "run", Diary())
    assert folder.latest_checkpoint() == folder.checkpoint(6)
    assert "(no space left); training goes on" in capsys.readouterr().err


def test_an_interrupted_run_is_not_waited_for(
    plan: TrainingPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[int] = []
    monkeypatch.setattr(
        stemwright_platform.training.album.Listener, "finish", lambda self, step, limit: waited.append(step)
    )
    folder = RunFolder(tmp_path / "run")
    folder.begin(plan)
    with pytest.raises(KeyboardInterrupt), Album(folder, plan, Diary()):  # pyright: ignore[reportArgumentType]
        raise KeyboardInterrupt
    assert waited == []

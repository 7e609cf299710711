import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stemwright.run_folder import RunFolder
from stemwright_platform.corpus.encode_locally import prepare_locally
from stemwright_platform.corpus.encode_shard import Encoding
from stemwright_platform.training.listener import Listener, sample_folders
from stemwright_platform.training.listening import samples_folder


def heard(folder: RunFolder, every: int | None, offers: list[int], total: int) -> list[int]:
    """Steps that a listener would start on, each process ending at once."""
    listener, started = Listener(folder, (), every=every, say=print), []
    listener._start = started.append  # pyright: ignore[reportAttributeAccessIssue]
    for step in offers:
        listener.offer(step, total)
        listener.poll()
    return started


@pytest.mark.parametrize(
    ("every", "expected"),
    [(None, [20, 40, 60, 80, 100]), (0, []), (1, [*range(10, 101, 10)]), (3, [30, 60, 90])],
)
def test_it_listens_as_often_as_asked_and_by_itself_five_times(
    every: int | None, expected: list[int], tmp_path: Path
) -> None:
    assert heard(RunFolder(tmp_path), every, [*range(10, 101, 10)], 100) == expected


def test_a_checkpoint_that_was_heard_before_is_not_heard_again(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    done = samples_folder(tmp_path, 20)
    done.mkdir(parents=True)
    (done / "samples.json").write_text('{"complete": true}')
    assert heard(folder, 1, [10, 20, 30], 30) == [10, 30]
    assert sample_folders(folder, complete=True) == [done]


def test_a_checkpoint_that_is_gone_is_passed_over(tmp_path: Path) -> None:
    said: list[str] = []
    listener = Listener(RunFolder(tmp_path), (), every=1, say=said.append)
    listener.offer(10, 100)
    assert listener.poll() is None
    assert listener.finish(10, 5) is None
    listener.stop()
    assert said == []
    assert not (tmp_path / "samples").exists()


def test_the_last_checkpoint_is_listened_to_by_a_process_of_its_own(
    make_checkpoint: Callable[..., Path], make_song: Callable[..., Any], tmp_path: Path
) -> None:
    from stemwright.mdct_codec import MdctCodec

    songs = [make_song("a", 1.0), make_song("b", 1.0, split="test")]
    prepare_locally(songs, tmp_path / "latents", Encoding(codec=MdctCodec()))
    folder, said = RunFolder(tmp_path / "run"), list[str]()
    make_checkpoint(folder.checkpoint(7))
    listener = Listener(folder, (str(tmp_path / "latents"),), every=0, say=said.append)
    assert listener.finish(7, 100) is None  # not asked for
    listener = Listener(folder, (str(tmp_path / "latents"),), say=said.append)
    assert listener.finish(7, 100) == 7
    listener.stop()
    assert said == ["listening to the checkpoint of step 7, 100 s at most"]
    assert [path.name for path in sample_folders(folder, complete=True)] == ["reference", "step-0000007"]
    assert (folder.path / "samples" / "index.html").is_file()
    assert not (folder.path / "samples" / ".model").exists()


def test_what_goes_wrong_is_said_once_in_a_line(
    make_checkpoint: Callable[..., Path], make_latents: Callable[..., Path], tmp_path: Path
) -> None:
    folder, said = RunFolder(tmp_path / "run"), list[str]()
    for step in (1, 2):
        make_checkpoint(folder.checkpoint(step))
    nothing_held_out = make_latents({"a": 90})
    listener = Listener(folder, (str(nothing_held_out),), every=1, say=said.append)
    for step in (1, 2):
        listener.offer(step, 2)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and (not said or step == 2):
            listener.poll()
            if step == 2:
                break
            time.sleep(0.1)
    assert listener.finish(2, 60) is None
    listener.stop()
    assert len(said) == 1
    assert "no song is held out" in said[0]
    assert "training goes on" in said[0]
    assert "\n" not in said[0]

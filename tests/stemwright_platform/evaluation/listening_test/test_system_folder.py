import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from stemwright.errors import InputError
from stemwright_platform.evaluation.listening_test.system_folder import read_prompts, read_system


def test_flat_files_are_clips_by_their_names(make_system: Callable[..., Path]) -> None:
    folder = make_system("ours", 2)
    (folder / "notes.txt").write_text("not audio")
    system = read_system("ours", folder)
    assert sorted(system.clips) == [("", "0000"), ("", "0001")]
    assert system.clips["", "0000"].parts == {"mix": folder / "0000.flac"}


def test_folders_with_a_mix_are_clips_with_their_tracks_and_those_above_name_the_task(
    make_system: Callable[..., Path], tmp_path: Path
) -> None:
    source = make_system("source", 1) / "0000.flac"
    for task in ("joint", "bass_alone"):
        clip = tmp_path / "out" / "clips" / "model" / task / "a"
        clip.mkdir(parents=True)
        for part in ("mix", "bass"):
            shutil.copy(source, clip / f"{part}.flac")
    report = {"clips": [{"clip": "a", "prompt": "slow blues"}]}
    (tmp_path / "out" / "report.json").write_text(json.dumps(report))
    system = read_system("model", tmp_path / "out" / "clips" / "model")
    assert set(system.clips) == {("joint", "a"), ("bass_alone", "a")}
    assert set(system.clips["joint", "a"].parts) == {"mix", "bass"}
    assert system.clips["joint", "a"].prompt == "slow blues"
    assert system.tasks == {"joint", "bass_alone"}
    of_task = read_system("model", tmp_path / "out" / "clips" / "model" / "joint")
    assert of_task.clips["", "a"].prompt == "slow blues"


def test_a_folder_that_compose_wrote_is_one_clip_with_its_text(
    make_system: Callable[..., Path], tmp_path: Path
) -> None:
    out = tmp_path / "composed"
    out.mkdir()
    shutil.copy(make_system("source", 1) / "0000.flac", out / "mix.flac")
    (out / "composition.json").write_text(json.dumps({"prompt": "fast jazz"}))
    (clip,) = read_system("ours", out).clips.values()
    assert (clip.name, clip.prompt) == ("clip", "fast jazz")


def test_texts_that_are_given_come_first(make_system: Callable[..., Path], tmp_path: Path) -> None:
    file = tmp_path / "prompts.json"
    file.write_text(json.dumps({"0000": "given"}))
    system = read_system("ours", make_system("ours", 2), read_prompts(file))
    assert [clip.prompt for clip in system.clips.values()] == ["given", ""]


def test_a_link_in_a_circle_ends(make_system: Callable[..., Path]) -> None:
    folder = make_system("ours", 1)
    (folder / "again").symlink_to(folder)
    assert ("", "0000") in read_system("ours", folder).clips


@pytest.mark.parametrize(("name", "says"), [("nowhere", "no such folder"), ("empty", "no .flac")])
def test_no_folder_and_no_audio_are_said(name: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=says):
        read_system("ours", tmp_path / name)


def test_one_clip_in_two_formats_is_refused(make_system: Callable[..., Path]) -> None:
    folder = make_system("ours", 1)
    shutil.copy(folder / "0000.flac", folder / "0000.wav")
    with pytest.raises(InputError, match="keep one"):
        read_system("ours", folder)


@pytest.mark.parametrize("text", ["[1]", '{"a": 1}', "{", None])
def test_texts_of_another_form_are_refused(text: str | None, tmp_path: Path) -> None:
    file = tmp_path / "prompts.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(InputError, match="--prompts"):
        read_prompts(file)

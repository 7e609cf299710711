import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from stemwright_platform.corpus.check.journal import FILE_NAME, Journal, key_of
from stemwright_platform.corpus.check.measurement import SongMeasure
from stemwright_platform.corpus.manifest import Song


def measure(song_id: str) -> SongMeasure:
    return SongMeasure(
        song_id=song_id, sample_rate_hz=48_000, tracks=(), fit=None, doubled=(("a", "b"),), landmarks=""
    )


def test_what_was_added_is_there_after_a_crash_and_a_cut_line_is_not(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.add("1", measure("one"))
    journal.add("2", measure("two"))
    path = tmp_path / FILE_NAME
    path.write_bytes(path.read_bytes()[:-9])
    again = Journal(tmp_path)
    assert (again.get("1"), again.get("2")) == (measure("one"), None)
    again.add("3", measure("three"))
    assert Journal(tmp_path).get("3") == measure("three")


def test_lines_of_another_version_or_of_anything_else_are_ignored(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text('{"key": "1", "measure": {"song_id": "old"}}\nnonsense\n[]\n')
    assert Journal(tmp_path).get("1") is None


def test_songs_that_left_the_corpus_are_forgotten(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for key in "123":
        journal.add(key, measure(key))
    journal.keep_only(["3", "1", "unknown"])
    again = Journal(tmp_path)
    assert [again.get(key) is not None for key in "123"] == [True, False, True]


def test_a_key_changes_with_the_files_and_with_nothing_else(
    make_song: Callable[..., Song], tmp_path: Path
) -> None:
    song = make_song("a", 0.1)
    key = key_of(song)
    assert key_of(replace(song, split="test", licence="other")) == key
    path = Path((song.tracks["bass"] or ("",))[0])
    os.utime(path, ns=(1, 1))
    touched = key_of(song)
    path.write_bytes(b"shorter")
    shorter = key_of(song)
    path.unlink()
    assert (
        len({key, touched, shorter, key_of(song), key_of(replace(song, tracks={"bass": (str(path),)}))}) == 5
    )

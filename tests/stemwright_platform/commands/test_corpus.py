from pathlib import Path

import pytest
from typer.testing import CliRunner

from stemwright.errors import InputError
from stemwright_platform.commands.corpus import app
from stemwright_platform.corpus.manifest import read_manifest

runner = CliRunner()


def test_a_demo_corpus_ends_with_its_counts_and_can_be_imported(tmp_path: Path) -> None:
    command = ["demo", "--songs", "2", "--out", str(tmp_path), "--duration", "1", "--jobs", "1"]
    made = runner.invoke(app, command)
    assert made.exit_code == 0, made.output
    assert made.stdout.splitlines()[-1].endswith("manifest.parquet: 2 songs (1 train, 1 test), 0.00 h")
    again = runner.invoke(
        app, ["import", "folders", str(tmp_path / "songs"), "--out", str(tmp_path / "own.parquet")]
    )
    assert again.exit_code == 0, again.output
    assert again.stdout.splitlines()[-1].endswith("(1 train, 1 test), 0.00 h, 0 rejected")
    assert read_manifest(tmp_path / "own.parquet") == read_manifest(tmp_path / "manifest.parquet")


def test_rejected_songs_are_listed_and_a_corpus_of_none_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "bass.wav").write_text("no audio")
    result = runner.invoke(app, ["import", "folders", str(tmp_path), "--out", str(tmp_path / "m.parquet")])
    assert "rejected bad: " in result.stdout
    assert isinstance(result.exception, InputError)
    assert not (tmp_path / "m.parquet").exists()


@pytest.mark.parametrize("command", [["demo"], ["import", "folders"]])
def test_help_shows_an_example(command: list[str]) -> None:
    result = runner.invoke(app, [*command, "--help"])
    assert "stemwright corpus " + " ".join(command) in " ".join(result.output.split())


def test_the_length_of_demo_songs_is_a_number_or_a_range(tmp_path: Path) -> None:
    command = ["demo", "--songs", "2", "--out", str(tmp_path), "--duration", "6-12", "--jobs", "1"]
    assert runner.invoke(app, command).exit_code == 0
    songs = read_manifest(tmp_path / "manifest.parquet")
    assert all(song.duration_s <= 13.001 for song in songs)
    for wrong in ("long", "1-2-3", ""):
        result = runner.invoke(app, ["demo", "--out", str(tmp_path), "--duration", wrong])
        assert isinstance(result.exception, InputError)
        assert "--duration takes seconds or a range" in str(result.exception)

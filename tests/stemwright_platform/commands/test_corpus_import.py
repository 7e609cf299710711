import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml
from typer.testing import CliRunner

from stemwright.errors import InputError
from stemwright.prompts import SongMetadata
from stemwright_platform.commands.corpus import app
from stemwright_platform.corpus.manifest import Song, read_manifest, write_manifest

runner = CliRunner()


def tone(path: Path, duration_s: float = 0.5) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.2 * np.sin(np.arange(round(duration_s * 44100)) / 20), 44100)
    return path


@pytest.fixture
def slakh(tmp_path: Path) -> Path:
    """Two good songs, one with a short stem, and one whose metadata is missing."""
    stems = {
        "S00": {"inst_class": "Piano", "program_num": 0, "is_drum": False, "audio_rendered": True},
        "S01": {"inst_class": "Bass", "program_num": 33, "is_drum": False, "audio_rendered": True},
    }
    root = tmp_path / "slakh2100_flac_redux"
    for number, split in enumerate(["train", "validation", "test"], start=1):
        folder = root / split / f"Track{number:05d}"
        tone(folder / "stems" / "S00.flac")
        tone(folder / "stems" / "S01.flac", 0.25 if number == 1 else 0.5)
        (folder / "metadata.yaml").write_text(yaml.safe_dump({"stems": stems}))
    (root / "test" / "Track00003" / "metadata.yaml").unlink()
    return root


def test_an_import_tells_rejections_licences_notes_and_splits(slakh: Path, tmp_path: Path) -> None:
    out = tmp_path / "m.parquet"
    result = runner.invoke(app, ["import", "slakh", str(slakh), "--out", str(out)])
    assert result.exit_code == 0, result.output
    rejected, licences, notes, last = result.stdout.splitlines()
    assert rejected.startswith("rejected Track00003: ")
    assert rejected.endswith("metadata.yaml is missing: copy it again")
    assert licences == "licences: CC-BY-4.0 (2)"
    assert notes.startswith("notes on 1 songs")
    assert last.endswith("2 songs (1 train, 1 validation, 0 test), 0.00 h, 1 rejected")
    assert [song.song_id for song in read_manifest(out)] == ["Track00001", "Track00002"]


def test_musdb_and_moisesdb_are_imported(tmp_path: Path) -> None:
    for song in ("train/A - One", "test/B - Two"):
        for name in ("mixture", "vocals", "drums", "bass", "other"):
            tone(tmp_path / "musdb18hq" / song / f"{name}.wav")
    for song in ("uuid-1", "uuid-2"):
        folder = tmp_path / "moisesdb" / "moisesdb_v0.1" / song
        tone(folder / "vocals" / "v.wav")
        track = {"id": "v", "trackType": "lead male singer", "extension": "wav", "has_bleed": False}
        stems = [{"stemName": "vocals", "tracks": [track]}]
        (folder / "data.json").write_text(json.dumps({"genre": "rock", "stems": stems}))
    for corpus, folder in {"musdb": "musdb18hq", "moisesdb": "moisesdb"}.items():
        out = tmp_path / f"{corpus}.parquet"
        result = runner.invoke(app, ["import", corpus, str(tmp_path / folder), "--out", str(out)])
        assert result.exit_code == 0, result.output
        assert "2 songs (1 train, 1 test)" in result.stdout
        assert all(song.tracks["melody"] for song in read_manifest(out))


def test_the_rules_that_are_printed_import_the_same_corpus_and_changed_ones_another(
    slakh: Path, tmp_path: Path
) -> None:
    printed = runner.invoke(app, ["import", "slots", "slakh"]).stdout
    songs: list[list[Song]] = []
    for name, text in {"same": printed, "other": printed.replace("slot: bass", "slot: melody")}.items():
        rules, out = tmp_path / f"{name}.yaml", tmp_path / f"{name}.parquet"
        rules.write_text(text)
        command = ["import", "slakh", str(slakh), "--slots", str(rules), "--out", str(out)]
        assert runner.invoke(app, command).exit_code == 0
        songs.append(read_manifest(out))
    runner.invoke(app, ["import", "slakh", str(slakh), "--out", str(tmp_path / "plain.parquet")])
    assert songs[0] == read_manifest(tmp_path / "plain.parquet")
    assert songs[1][0].tracks["bass"] == ()
    assert songs[1][0].tracks["melody"] == songs[0][0].tracks["bass"]


def test_bad_rules_are_one_line_and_no_manifest(slakh: Path, tmp_path: Path) -> None:
    rules = tmp_path / "slots.yaml"
    rules.write_text("rules: [{slot: vocals}]")
    command = ["import", "slakh", str(slakh), "--slots", str(rules), "--out", str(tmp_path / "m.parquet")]
    result = runner.invoke(app, command)
    assert isinstance(result.exception, InputError)
    assert "rule 1: unknown slot 'vocals'" in str(result.exception)
    assert not (tmp_path / "m.parquet").exists()


def test_many_rejections_are_counted_not_listed(tmp_path: Path) -> None:
    tone(tmp_path / "corpus" / "good" / "bass.wav")
    for number in range(30):
        folder = tmp_path / "corpus" / f"bad {number}"
        folder.mkdir()
        (folder / "bass.wav").write_text("no audio")
    out = tmp_path / "m.parquet"
    lines = runner.invoke(
        app, ["import", "folders", str(tmp_path / "corpus"), "--out", str(out)]
    ).stdout.splitlines()
    assert sum(line.startswith("rejected bad") for line in lines) == 20
    assert "… and 10 more" in lines
    assert lines[-1].endswith("30 rejected")


def test_an_import_with_estimates_keeps_those_of_an_earlier_run(tmp_path: Path) -> None:
    """All is estimated already, so that nothing is heard and no cluster is started."""
    tone(tmp_path / "corpus" / "one" / "bass.wav")
    out = tmp_path / "m.parquet"
    command = ["import", "folders", str(tmp_path / "corpus"), "--out", str(out)]
    assert runner.invoke(app, command).exit_code == 0
    (song,) = read_manifest(out)
    known = replace(
        song,
        metadata=SongMetadata(tempo_bpm=100.0, key="A minor"),
        downbeats_s=(0.0, 2.4),
        estimated=("tempo_bpm", "key", "downbeats_s"),
    )
    write_manifest(out, [known])
    again = runner.invoke(app, [*command, "--estimate"])
    assert again.exit_code == 0, again.output
    assert read_manifest(out) == [known]
    assert runner.invoke(app, command).exit_code == 0
    assert read_manifest(out) == [song]


@pytest.mark.parametrize(
    "command",
    [*(["import", name] for name in ("slakh", "musdb", "moisesdb", "folders", "slots")), ["estimate"]],
)
def test_help_shows_an_example(command: list[str]) -> None:
    result = runner.invoke(app, [*command, "--help"])
    assert "stemwright corpus " + " ".join(command) in " ".join(result.output.split())

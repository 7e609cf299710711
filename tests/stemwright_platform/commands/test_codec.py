"""The commands as a user runs them, on real files."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stemwright.errors import InputError
from stemwright_platform.commands.codec import app, load_codecs, training_files
from stemwright_platform.corpus.demo_corpus import make_demo_corpus
from stemwright_platform.corpus.manifest import read_manifest

runner = CliRunner()


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_demo_corpus(tmp_path_factory.mktemp("corpus"), 4, duration_s=6)


@pytest.mark.slow
def test_a_codec_is_trained_and_checked_against_the_analytic_one(manifest: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    options = ["--manifest", str(manifest), "--out", str(run), "--steps", "2", "--save-every", "1"]
    trained = runner.invoke(app, ["train", *options])
    assert trained.exit_code == 0, trained.output
    assert str(run / "conv_codec.safetensors") in trained.stdout.splitlines()[-1]
    again = runner.invoke(app, ["train", *options])
    assert again.exit_code == 0, again.output

    out = tmp_path / "check"
    codecs = ["--codec", f"conv={run}", "--codec", "mdct"]
    checked = runner.invoke(
        app,
        ["check", "--manifest", str(manifest), *codecs, "--seconds", "4", "--shown", "1", "--out", str(out)],
    )
    assert checked.exit_code == 0, checked.output
    assert checked.stdout.splitlines()[-1].endswith("index.html")
    facts = json.loads((out / "check.json").read_text(encoding="utf-8"))
    assert facts["codecs"].keys() == facts["means"].keys() == {"conv", "mdct"}
    assert facts["met"]["mdct"]["pitch"] is True
    assert facts["means"]["conv"]["all"]["mel_db"]["value"] > facts["means"]["mdct"]["all"]["mel_db"]["value"]
    assert facts["silence_db"]["mdct"] is None
    page = (out / "index.html").read_text(encoding="utf-8")
    shown = [path for folder in ("pictures", "sounds") for path in (out / folder).iterdir()]
    assert shown
    assert all(path.relative_to(out).as_posix() in page for path in shown)


def test_only_training_songs_train_and_long_ones_are_drawn_more_often(manifest: Path) -> None:
    songs = read_manifest(manifest)
    names = {
        path
        for song in songs
        if song.split == "train"
        for paths in song.tracks.values()
        for path in paths or ()
    }
    assert {str(path) for path in training_files(songs)} == names
    assert 0 < len(training_files(songs)) == len(names)


def test_codecs_are_named_once_and_by_their_weights_where_a_name_comes_twice(tmp_path: Path) -> None:
    assert list(load_codecs(["mdct"], "cpu")) == ["mdct"]
    with pytest.raises(InputError, match="given twice"):
        load_codecs(["mdct", "mdct"], "cpu")
    with pytest.raises(InputError, match="unknown codec 'mp3'"):
        load_codecs(["mp3"], "cpu")
    with pytest.raises(InputError, match="missing"):
        load_codecs([f"conv={tmp_path / 'missing'}"], "cpu")

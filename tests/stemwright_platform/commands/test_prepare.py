import pytest
from typer.testing import CliRunner

from stemwright.dataset_info import DatasetInfo
from stemwright.errors import InputError
from stemwright_platform.commands.prepare import app
from stemwright_platform.corpus.manifest import write_manifest


@pytest.fixture
def manifest(make_song, tmp_path):
    words = tmp_path / "words.wav"
    words.write_text("these are words")
    path = tmp_path / "manifest.parquet"
    write_manifest(
        path, [make_song("a", 3.0), make_song("bad", bass=words), make_song("c", 2.0, split="test")]
    )
    return path


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)


@pytest.mark.ray
def test_the_last_line_counts_songs_hours_chunks_and_rejections(ray_cluster, manifest, tmp_path):
    result = run("--manifest", manifest, "--out", tmp_path / "out")
    lines = result.stdout.splitlines()
    assert "rejected bad: " in lines[-2]
    assert "words.wav" in lines[-2]
    assert lines[-1].endswith("2 songs (1 test, 1 train), 0.00 h, 3 chunks, 1 rejected")
    assert DatasetInfo.load(tmp_path / "out").num_chunks == 3


def test_a_dry_run_tells_and_writes_nothing(manifest, tmp_path):
    result = run("--manifest", manifest, "--out", tmp_path / "out", "--dry-run")
    assert "3 songs, 0.00 h, 1 shards (1 still to make), about " in result.stdout
    assert "nothing was written" in result.stdout
    assert not (tmp_path / "out").exists()


def test_a_missing_manifest_and_an_unknown_codec_are_one_clear_line(manifest, tmp_path):
    with pytest.raises(InputError, match="no manifest"):
        run("--manifest", tmp_path / "none.parquet", "--out", tmp_path / "out")
    for flag, value, reason in (
        ("--codec", "opus", "unknown codec 'opus'"),
        ("--storage", "int4", "unknown --storage 'int4': choose float16 or int8"),
        ("--max-rejected", "5", "--max-rejected is a share"),
        ("--gpu-fraction", "0", "--gpu-fraction lies above 0"),
        ("--out", "teapot://x", "teapot://x: cannot be reached"),
        ("--licence", "CC-BY-*", r"no song is under a licence of CC-BY-\*; there are: CC0-1.0"),
    ):
        with pytest.raises(InputError, match=reason):
            run("--manifest", manifest, "--out", tmp_path / "out", flag, value)


def test_help_has_an_example():
    assert "stemwright prepare --manifest" in run("--help").stdout

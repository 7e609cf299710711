"""The two commands as a user runs them, on real files and a real Ray."""

import json
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import soundfile
from typer.testing import CliRunner

from stemwright.errors import InputError
from stemwright_platform.commands.corpus import app
from stemwright_platform.corpus.demo_corpus import make_demo_corpus
from stemwright_platform.corpus.manifest import Song, read_manifest, write_manifest

runner = CliRunner()


class Page(HTMLParser):
    """The page's tags with their attributes."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


@pytest.mark.ray
def test_a_corpus_is_checked_spoiled_and_checked_again(tmp_path: Path, ray_cluster: object) -> None:
    manifest = make_demo_corpus(tmp_path, 3, duration_s=4)
    clean = runner.invoke(app, ["check", str(manifest)])
    assert clean.exit_code == 0, clean.output
    assert clean.stdout.splitlines()[-1].endswith("index.html: 3 songs, 0 errors, 0 warnings, 0 notes")
    assert pq.read_table(tmp_path / "check" / "findings.parquet").num_rows == 0
    assert pq.read_table(tmp_path / "check" / "songs.parquet").num_rows == 15

    songs = read_manifest(manifest)
    bass = Path((songs[0].tracks["bass"] or ("",))[0])
    bass.write_bytes(bass.read_bytes()[:5000])
    spoiled = runner.invoke(app, ["check", str(manifest)])
    assert spoiled.exit_code == 1
    assert "2 songs are as they were; 1 to read" in spoiled.stderr
    assert "truncated: bass.flac is truncated" in " ".join(spoiled.stdout.split())
    [row] = pq.read_table(tmp_path / "check" / "findings.parquet").to_pylist()
    assert (row["kind"], row["severity"], row["song_id"], row["track"]) == (
        "truncated",
        "error",
        songs[0].song_id,
        "bass",
    )


@pytest.mark.ray
def test_a_copy_in_the_other_split_fails_the_check_and_the_page_shows_it(
    tmp_path: Path, ray_cluster: object
) -> None:
    songs = read_manifest(make_demo_corpus(tmp_path / "demo", 2, duration_s=5))
    mix, rate_hz = soundfile.read(str(songs[0].mix_path))
    soundfile.write(tmp_path / "again.ogg", 0.5 * mix, rate_hz)
    other = "test" if songs[0].split == "train" else "train"
    copy = Song(
        song_id="<b>again</b>",
        split=other,
        duration_s=songs[0].duration_s,
        sample_rate_hz=rate_hz,
        tracks={"instrument": (str(tmp_path / "again.ogg"),)},
    )
    write_manifest(tmp_path / "my.parquet", [*songs, copy])
    out = tmp_path / "results"
    result = runner.invoke(app, ["check", str(tmp_path / "my.parquet"), "--out", str(out)])
    assert result.exit_code == 1
    assert [row["kind"] for row in pq.read_table(out / "findings.parquet").to_pylist()] == ["leak"]
    page = (out / "index.html").read_text(encoding="utf-8")
    assert "<b>again</b>" not in page
    tags = Page(out / "index.html").tags
    outside = [
        value for _, attrs in tags for name, value in attrs.items() if name in ("src", "href") and value
    ]
    assert all(value.startswith(("data:", "#")) for value in outside)
    assert sum(name == "tr" and attrs.get("data-severity") == "error" for name, attrs in tags) == 1
    assert sum(name == "svg" and attrs.get("class") == "chart" for name, attrs in tags) == 5


def test_a_missing_manifest_is_bad_input(tmp_path: Path) -> None:
    for command in ("check", "stats"):
        result = runner.invoke(app, [command, str(tmp_path / "none.parquet")])
        assert isinstance(result.exception, InputError)


def test_results_that_cannot_be_written_are_bad_input(make_song: Callable[..., Song], tmp_path: Path) -> None:
    write_manifest(tmp_path / "m.parquet", [make_song("a", 0.1)])
    (tmp_path / "file").write_text("")
    result = runner.invoke(app, ["check", str(tmp_path / "m.parquet"), "--out", str(tmp_path / "file")])
    assert isinstance(result.exception, InputError)
    assert "--out" in str(result.exception)


def test_statistics_are_read_by_people_and_by_machines(
    make_song: Callable[..., Song], tmp_path: Path
) -> None:
    write_manifest(tmp_path / "m.parquet", [make_song("a"), make_song("b", split="test", melody=None)])
    told = runner.invoke(app, ["stats", str(tmp_path / "m.parquet")])
    assert told.exit_code == 0, told.output
    rows = [line.split() for line in told.stdout.splitlines()]
    assert ["melody", "1", "0", "1", "0.00"] in rows
    assert any(row[:2] == ["blues", "2"] for row in rows)
    found = json.loads(runner.invoke(app, ["stats", str(tmp_path / "m.parquet"), "--json"]).stdout)
    assert found["splits"]["test"]["songs"] == 1


@pytest.mark.parametrize("command", ["check", "stats"])
def test_help_shows_an_example(command: str) -> None:
    result = runner.invoke(app, [command, "--help"])
    assert f"stemwright corpus {command} data/demo/manifest.parquet" in " ".join(result.output.split())

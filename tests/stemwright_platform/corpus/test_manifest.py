from pathlib import Path

import pyarrow.parquet as pq
import pytest

from stemwright.errors import InputError
from stemwright.prompts import SongMetadata
from stemwright.tracks import TRACKS
from stemwright_platform.corpus.manifest import (
    Song,
    read_manifest,
    split_of,
    tracks_of,
    with_both_splits,
    write_manifest,
)


def a_song(folder: Path, song_id: str = "one") -> Song:
    return Song(
        song_id=song_id,
        split="train",
        duration_s=12.5,
        sample_rate_hz=44100,
        tracks={
            "bass": (str(folder / song_id / "bass.flac"), str(folder / song_id / "sub.flac")),
            "drums": None,
            "instrument": (),
            "melody": ("s3://bucket/melody.flac",),
        },
        mix_path="/elsewhere/mix.flac",
        metadata=SongMetadata(genres=("folk", "rock"), tempo_bpm=90.0, key="D dorian", themes=("sea",)),
        downbeats_s=(0.0, 2.5),
        source="here",
        licence="CC0-1.0",
        estimated=("tempo_bpm",),
        notes=("sub.flac ends 0.5 s early",),
    )


def test_songs_come_back_as_they_were_written(tmp_path: Path) -> None:
    songs = [a_song(tmp_path), a_song(tmp_path, "two")]
    write_manifest(tmp_path / "manifest.parquet", songs)
    assert read_manifest(tmp_path / "manifest.parquet") == songs


def test_a_corpus_folder_may_be_moved(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    write_manifest(tmp_path / "old" / "manifest.parquet", [a_song(tmp_path / "old")])
    (tmp_path / "old").rename(tmp_path / "new")
    (song,) = read_manifest(tmp_path / "new" / "manifest.parquet")
    assert song.tracks["bass"] == tuple(
        str(tmp_path / "new" / "one" / name) for name in ("bass.flac", "sub.flac")
    )
    assert song.mix_path == "/elsewhere/mix.flac"
    assert song.tracks["melody"] == ("s3://bucket/melody.flac",)


def test_a_manifest_in_a_store_finds_the_stems_beside_it(tmp_path: Path) -> None:
    there = Song(**{**fields(a_song(tmp_path)), "tracks": {"bass": ("memory://corpus/one/bass.flac",)}})
    write_manifest("memory://corpus/manifest.parquet", [there])
    assert read_manifest("memory://corpus/manifest.parquet") == [there]
    with pytest.raises(InputError, match="no manifest at memory://corpus/other"):
        read_manifest("memory://corpus/other.parquet")


def test_a_failed_write_leaves_the_old_manifest_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "manifest.parquet"
    write_manifest(path, [a_song(tmp_path)])
    with pytest.raises(InputError, match="'one' occurs twice"):
        write_manifest(path, [a_song(tmp_path), a_song(tmp_path)])
    assert len(read_manifest(path)) == 1
    assert list(tmp_path.iterdir()) == [path]


def test_the_hash_puts_a_fifth_of_the_songs_into_the_test_split() -> None:
    splits = [split_of(f"song {number}") for number in range(5000)]
    assert 0.18 < splits.count("test") / len(splits) < 0.22
    assert split_of("demo-1-00000") == "train"  # the same on every machine


def test_any_two_songs_fill_both_splits(tmp_path: Path) -> None:
    for names in (["a", "b"], ["song 6", "song 9"], ["x", "y", "z"]):
        for split in ("train", "test"):
            songs = [a_song(tmp_path, name) for name in names]
            songs = [Song(**{**fields(song), "split": split}) for song in songs]
            assert {song.split for song in with_both_splits(songs)} == {"train", "test"}
            assert [song.song_id for song in with_both_splits(songs)] == names
    assert with_both_splits(songs[:1]) == songs[:1]


def fields(song: Song) -> dict:
    return {name: getattr(song, name) for name in Song.__dataclass_fields__}


def test_what_is_no_manifest_is_refused_in_one_line(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("hello")
    write_manifest(tmp_path / "whole.parquet", [a_song(tmp_path)])
    table = pq.read_table(tmp_path / "whole.parquet")
    pq.write_table(table.drop_columns(["tracks", "key"]), tmp_path / "lacking.parquet")
    pq.write_table(table.slice(0, 0), tmp_path / "empty.parquet")
    for path, reason in {
        tmp_path / "none.parquet": "no manifest at",
        text: "not a Parquet manifest",
        tmp_path / "lacking.parquet": "lacks the columns tracks, key",
        tmp_path / "empty.parquet": "holds no songs",
    }.items():
        with pytest.raises(InputError, match=reason) as caught:
            read_manifest(path)
        assert "\n" not in str(caught.value)


def test_a_song_needs_a_track_and_a_known_split(tmp_path: Path) -> None:
    good = fields(a_song(tmp_path))
    with pytest.raises(InputError, match="has no track"):
        Song(**{**good, "tracks": {"bass": None}})
    with pytest.raises(InputError, match="split must be"):
        Song(**{**good, "split": "dev"})


def test_a_corpus_has_the_usual_slots_unless_it_brings_others(tmp_path: Path) -> None:
    usual = a_song(tmp_path)
    assert tracks_of([usual]) == TRACKS
    other = Song(**{**fields(usual), "tracks": {"bass": (), "vocals": ("/v.wav",), "keys": None}})
    assert tracks_of([other, usual]).names == ("bass", "vocals", "keys", "drums", "instrument", "melody")

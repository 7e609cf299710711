from dataclasses import replace
from pathlib import Path

import pytest

from stemwright.errors import InputError
from stemwright.prompts import SongMetadata
from stemwright.song_index import IndexedSong, read_song_index, write_song_index

SONG = IndexedSong(
    song_id="größe",
    split="validation",
    shard=3,
    row_group=7,
    num_frames=36000,
    duration_s=239.99,
    presence=(True, False, True, True),
    gains_db=(1.5, 0.0, -3.25, 2.0),
    licence="CC-BY-4.0",
    source="slakh",
    metadata=SongMetadata(
        genres=("dub",), instruments=("organ", "bass"), tempo_bpm=72.5, key="A minor", themes=("night drive",)
    ),
)
BARE = replace(SONG, song_id="bare", metadata=SongMetadata())


def test_songs_come_back_as_they_were_written_in_their_order(tmp_path: Path) -> None:
    write_song_index(tmp_path, [SONG, BARE])
    assert read_song_index(tmp_path) == (SONG, BARE)
    assert [path.name for path in tmp_path.iterdir()] == ["songs.parquet"]


def test_a_url_does_as_well_as_a_path() -> None:
    write_song_index("memory://corpus/latents", [SONG])
    assert read_song_index("memory://corpus/latents") == (SONG,)


def test_equal_songs_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_song_index(tmp_path / name, [SONG, BARE])
    assert (tmp_path / "one/songs.parquet").read_bytes() == (tmp_path / "two/songs.parquet").read_bytes()


def test_an_index_that_is_gone_or_cut_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"songs\.parquet.*prepare again"):
        read_song_index(tmp_path)
    write_song_index(tmp_path, [SONG])
    path = tmp_path / "songs.parquet"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(InputError, match=r"songs\.parquet.*prepare again"):
        read_song_index(tmp_path)


def test_a_long_index_comes_back_in_order(tmp_path: Path) -> None:
    written = [replace(SONG, song_id=f"song {i}", shard=i // 3) for i in range(3_000)]
    write_song_index(tmp_path, written)
    assert list(read_song_index(tmp_path)) == written

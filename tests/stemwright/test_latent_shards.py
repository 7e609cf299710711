import resource

import pytest
import torch

from stemwright.data_folder import DataFolder
from stemwright.latent_shards import LatentSong, ShardWriter, read_notes
from stemwright.prompts import SongMetadata

SONG = LatentSong(
    song_id="größe",
    split="test",
    presence=(True, False),
    gains_db=(1.5, 0.0),
    metadata=SongMetadata(genres=("dub",), tempo_bpm=72.5, key="A minor", themes=("night drive",)),
)


def test_a_failed_shard_leaves_no_file(tmp_path):
    def fail() -> None:
        with DataFolder(tmp_path).writing("shard.parquet") as path, ShardWriter(path) as writer:
            writer.write(SONG, chunk=0, start_frame=0, latents=torch.zeros(2, 6, 10))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_up_leaves_no_file(tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def write_much() -> None:
        with DataFolder(tmp_path).writing("shard.parquet") as path, ShardWriter(path) as writer:
            for chunk in range(20):
                writer.write(SONG, chunk=chunk, start_frame=chunk, latents=torch.zeros(4, 128, 500))

    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            write_much()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == []


def test_equal_content_gives_equal_bytes(tmp_path):
    for name in ("one", "two"):
        with ShardWriter(tmp_path / name) as writer:
            writer.write(SONG, chunk=0, start_frame=0, latents=torch.ones(2, 6, 10))
            writer.note({"made from": "ones"})
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_notes_are_found_and_missing_where_there_is_no_whole_shard(tmp_path):
    with ShardWriter(tmp_path / "shard.parquet") as writer:
        writer.note({"key": "value"})
    folder = DataFolder(tmp_path)
    assert read_notes(folder, "shard.parquet")["key"] == "value"
    assert read_notes(folder, "other.parquet") == {}
    (tmp_path / "cut.parquet").write_bytes((tmp_path / "shard.parquet").read_bytes()[:-9])
    assert read_notes(folder, "cut.parquet") == {}

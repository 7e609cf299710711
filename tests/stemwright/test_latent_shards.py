import pickle
import resource

import pytest
import torch

from stemwright.errors import InputError
from stemwright.latent_shards import LatentDataset, LatentSong, ShardWriter, read_notes
from stemwright.prompts import SongMetadata

SONG = LatentSong(
    song_id="größe",
    split="test",
    presence=(True, False),
    gains_db=(1.5, 0.0),
    metadata=SongMetadata(genres=("dub",), tempo_bpm=72.5, key="A minor", themes=("night drive",)),
)


def test_read_across_chunk_borders_equals_concatenation(make_latents):
    dataset = LatentDataset(make_latents({"a": 130, "b": 40}))
    whole = dataset.read("a", 0, 130)
    for start, length in [(0, 1), (39, 2), (20, 100), (40, 40), (119, 11), (129, 1)]:
        torch.testing.assert_close(dataset.read("a", start, length), whole[..., start : start + length])


def test_latents_come_back_as_float16_kept_them(make_latents):
    dataset = LatentDataset(make_latents({"a": 130}))
    expected = torch.randn(4, 6, 130, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(dataset.read("a", 0, 130), expected.half().float(), rtol=0, atol=0)


def test_a_missing_track_reads_as_zero(make_latents):
    dataset = LatentDataset(make_latents({"a": 50, "b": 50}))
    assert dataset.songs()[1].presence == (True, True, True, False)
    assert not dataset.read("b", 0, 50)[3].any()


def test_songs_keep_their_facts(tmp_path, make_latents):
    folder = make_latents({"a": 50})
    with ShardWriter(folder / "shard-00000.parquet") as writer:
        writer.write(SONG, chunk=0, start_frame=0, latents=torch.zeros(2, 6, 10))
    dataset = LatentDataset(folder)
    assert dataset.songs("test") == (SONG,)
    assert dataset.songs("train") == ()
    assert dataset.num_frames("größe") == 10


def test_a_pickled_data_set_reads_on(make_latents):
    dataset = LatentDataset(make_latents({"a": 130}))
    before = dataset.read("a", 30, 60)
    copy = pickle.loads(pickle.dumps(dataset))
    assert torch.equal(copy.read("a", 30, 60), before)


def test_a_failed_shard_leaves_no_file(tmp_path):
    def fail() -> None:
        with ShardWriter(tmp_path / "shard.parquet") as writer:
            writer.write(SONG, chunk=0, start_frame=0, latents=torch.zeros(2, 6, 10))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_up_leaves_no_file(tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def write_much() -> None:
        with ShardWriter(tmp_path / "shard.parquet") as writer:
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
    assert read_notes(tmp_path / "shard.parquet")["key"] == "value"
    assert read_notes(tmp_path / "other.parquet") == {}
    (tmp_path / "cut.parquet").write_bytes((tmp_path / "shard.parquet").read_bytes()[:-9])
    assert read_notes(tmp_path / "cut.parquet") == {}


def test_a_shard_that_is_gone_or_cut_is_one_clear_line(make_latents):
    folder = make_latents({"a": 130})
    shard = folder / "shard-00000.parquet"
    shard.write_bytes(shard.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"shard-00000\.parquet.*prepare again"):
        LatentDataset(folder)
    shard.unlink()
    with pytest.raises(InputError, match=r"shard-00000\.parquet.*prepare again"):
        LatentDataset(folder)


def test_a_missing_chunk_is_noticed(make_latents):
    folder = make_latents({"a": 50})
    with ShardWriter(folder / "shard-00000.parquet") as writer:
        writer.write(SONG, chunk=0, start_frame=0, latents=torch.zeros(2, 6, 10))
        writer.write(SONG, chunk=2, start_frame=20, latents=torch.zeros(2, 6, 10))
    with pytest.raises(InputError, match="missing chunks"):
        LatentDataset(folder)

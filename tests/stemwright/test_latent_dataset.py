import os
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch

import stemwright.latent_dataset
from stemwright.data_folder import DataFolder
from stemwright.dataset_info import DatasetInfo
from stemwright.errors import InputError
from stemwright.latent_dataset import LatentDataset, Slice
from stemwright.song_index import read_song_index, write_song_index

SLICES = [(0, 1), (39, 2), (20, 100), (40, 40), (119, 11), (129, 1), (0, 130)]


@pytest.mark.parametrize("storage", ["float16", "int8"])
def test_read_across_chunk_borders_equals_concatenation(make_latents, storage):
    dataset = LatentDataset(make_latents({"a": 130, "b": 40}, storage=storage))
    whole = dataset.read("a", 0, 130)
    for start, length in SLICES:
        assert torch.equal(dataset.read("a", start, length), whole[..., start : start + length])


def test_latents_come_back_as_float16_kept_them(make_latents):
    dataset = LatentDataset(make_latents({"a": 130}))
    expected = torch.randn(4, 6, 130, generator=torch.Generator().manual_seed(1))
    assert torch.equal(dataset.read("a", 0, 130), expected.half())


def test_latents_come_back_from_eight_bits_to_half_a_step(make_latents):
    dataset = LatentDataset(make_latents({"a": 130}, storage="int8"))
    expected = torch.randn(4, 6, 130, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(
        dataset.read("a", 0, 130).float(), expected, rtol=2e-3, atol=6 / 255 / 2 + 1e-3
    )


def test_pyarrow_reads_the_same_values(make_latents):
    folder = make_latents({"a": 130})
    rows = pq.read_table(folder / "shard-00000.parquet", columns=["num_frames", "latents"]).to_pylist()
    chunks = [
        torch.frombuffer(bytearray(row["latents"]), dtype=torch.float16).view(4, 6, row["num_frames"])
        for row in rows
    ]
    assert torch.equal(torch.cat(chunks, dim=-1), LatentDataset(folder).read("a", 0, 130))


def test_slices_of_several_songs_and_shards_come_together(make_latents):
    dataset = LatentDataset(make_latents({"a": 130, "b": 40}))
    slices = [Slice("b", 3, 20), Slice("a", 35, 50), Slice("b", 0, 40)]
    together = torch.full((3, 4, 6, 50), torch.nan, dtype=torch.float16)
    dataset.read_slices(slices, list(together))
    for row, part in zip(together, slices, strict=True):
        assert torch.equal(row[..., : part.num_frames], dataset.read(*part))
        assert not row[..., part.num_frames :].any()


def test_a_missing_track_reads_as_zero(make_latents):
    dataset = LatentDataset(make_latents({"a": 50, "b": 50}))
    assert dataset.songs()[1].presence == (True, True, True, False)
    assert not dataset.read("b", 0, 50)[3].any()


def test_songs_come_by_split_and_name(make_latents):
    dataset = LatentDataset(make_latents({"b": 50, "a": 60, "c": 70}, held_out=["c"]))
    assert [song.song_id for song in dataset.songs("train")] == ["a", "b"]
    assert [song.song_id for song in dataset.songs("test")] == ["c"]
    assert [song.song_id for song in dataset.songs()] == ["a", "b", "c"]
    assert dataset.num_frames("c") == 70


def test_a_pickled_data_set_reads_on(make_latents):
    dataset = LatentDataset(make_latents({"a": 130}))
    before = dataset.read("a", 30, 60)
    copy = pickle.loads(pickle.dumps(dataset))
    assert torch.equal(copy.read("a", 30, 60), before)


def test_threads_read_at_once(make_latents):
    folder = make_latents({f"{name}": 90 for name in range(6)})
    expected = {str(name): LatentDataset(folder).read(str(name), 10, 70) for name in range(6)}
    dataset = LatentDataset(folder)
    with ThreadPoolExecutor(6) as pool:
        names = [str(number % 6) for number in range(60)]
        for name, latents in zip(
            names, pool.map(lambda name: dataset.read(name, 10, 70), names), strict=True
        ):
            assert torch.equal(latents, expected[name])


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_forked_process_reads_on(make_latents):
    dataset = LatentDataset(make_latents({"a": 130}))
    before = dataset.read("a", 30, 60)
    pid = os.fork()
    if pid == 0:
        os._exit(0 if torch.equal(dataset.read("a", 30, 60), before) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_a_shard_that_is_gone_or_cut_is_one_clear_line(make_latents):
    folder = make_latents({"a": 130})
    shard = folder / "shard-00000.parquet"
    shard.write_bytes(shard.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"shard-00000\.parquet.*prepare again"):
        LatentDataset(folder).read("a", 0, 10)
    shard.unlink()
    with pytest.raises(InputError, match=r"shard-00000\.parquet.*prepare again"):
        LatentDataset(folder).read("a", 0, 10)


def test_a_shard_that_another_program_compressed_is_refused(make_latents):
    folder = make_latents({"a": 130})
    shard = folder / "shard-00000.parquet"
    pq.write_table(pq.read_table(shard), shard, compression="zstd")
    with pytest.raises(InputError, match="written by another program"):
        LatentDataset(folder).read("a", 0, 10)


def test_a_shard_that_is_not_the_indexed_one_is_refused(make_latents):
    folder = make_latents({"a": 130, "b": 100})
    (song, other) = read_song_index(folder)
    write_song_index(folder, [song, replace(other, shard=0, row_group=0)])
    with pytest.raises(InputError, match=r"shard-00000\.parquet.*prepare again"):
        LatentDataset(folder).read("b", 90, 10)
    write_song_index(folder, [replace(song, num_frames=200), other])
    with pytest.raises(InputError, match=r"shard-00000\.parquet.*prepare again"):
        LatentDataset(folder).read("a", 150, 20)


def test_an_index_that_does_not_fit_the_folder_is_refused(make_latents):
    folder = make_latents({"a": 130})
    (song,) = read_song_index(folder)
    for wrong in ([replace(song, shard=1)], [song, song], [replace(song, presence=(True,))]):
        write_song_index(folder, wrong)
        with pytest.raises(InputError, match=r"songs\.parquet does not fit"):
            LatentDataset(folder)


def test_opening_reads_no_shard(make_latents: Callable[..., Path]) -> None:
    folder = make_latents({"a": 50})
    (song,) = read_song_index(folder)
    shards = tuple(f"missing-{number:05d}.parquet" for number in range(40))
    songs = [replace(song, song_id=f"song {i}", shard=i * 40 // 100) for i in range(100)]
    write_song_index(folder, songs)
    replace(DatasetInfo.load(DataFolder(folder)), shards=shards).save(DataFolder(folder))
    assert len(LatentDataset(folder).songs()) == 100


@pytest.mark.parametrize("storage", ["float16", "int8"])
def test_several_threads_decode_the_same_latents(make_latents, monkeypatch, storage):
    dataset = LatentDataset(make_latents({"a": 130, "b": 40}, storage=storage))
    slices = [Slice("b", 3, 20), Slice("a", 35, 50), Slice("b", 0, 40), Slice("a", 0, 50)]
    alone, together = torch.zeros(2, 4, 4, 6, 50, dtype=torch.float16)
    dataset.read_slices(slices, list(alone))
    monkeypatch.setattr(stemwright.latent_dataset, "WORTH_THREADS", 0)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    dataset.read_slices(slices, list(together))
    assert torch.equal(alone, together)

import os
import pickle
from collections.abc import Callable
from pathlib import Path

import fsspec
import pytest
import torch

import stemwright.shard_bytes
from stemwright.data_folder import DataFolder
from stemwright.data_mix import DataMix
from stemwright.data_source import DataSource
from stemwright.errors import InputError
from stemwright.latent_dataset import LatentDataset
from stemwright.shard_bytes import ByteRange, MappedBytes, StoredBytes, shard_bytes
from stemwright.windows import Windows

SONGS = {"a": 200, "b": 45, "c": 95, "short": 12}


@pytest.fixture
def latents(make_latents: Callable[..., Path]) -> Path:
    return make_latents(SONGS)


@pytest.fixture
def url(latents: Path, s3_bucket: str) -> str:
    """The same data set in a bucket."""
    return upload(latents, f"{s3_bucket}/latents")


def upload(folder: Path, url: str) -> str:
    files, path = fsspec.core.url_to_fs(url)
    for file in folder.iterdir():
        files.put_file(str(file), f"{path}/{file.name}")
    return url


def windows(*sources: str) -> Windows:
    data = DataMix.open(map(DataSource.of, sources))
    return Windows(data, "train", lengths=(20, 60), batch_size=5, seed=1)


def test_batches_from_a_bucket_are_those_from_the_disk(latents: Path, url: str) -> None:
    local, stored = windows(str(latents)), windows(url)
    assert isinstance(shard_bytes(DataFolder(url)), StoredBytes)
    assert isinstance(shard_bytes(DataFolder(latents)), MappedBytes)
    for step in (0, 1, 7):
        one, two = local.batch(step), stored.batch(step)
        assert torch.equal(one.latents, two.latents)
        assert one.prompts == two.prompts
    assert torch.equal(local.data.stats().std, stored.data.stats().std)


def test_eight_bit_latents_come_from_a_bucket_too(make_latents: Callable[..., Path], s3_bucket: str) -> None:
    folder = make_latents(SONGS, storage="int8")
    stored = windows(upload(folder, f"{s3_bucket}/latents"))
    assert torch.equal(windows(str(folder)).batch(3).latents, stored.batch(3).latents)


def test_a_mix_may_lie_in_both_places(
    make_latents: Callable[..., Path], latents: Path, url: str, s3_bucket: str
) -> None:
    two = make_latents({"x": 80}, name="two")
    mixed = windows(f"{url}@0.5", f"{upload(two, s3_bucket + '/two')}@0.5")
    assert torch.equal(mixed.batch(2).latents, windows(f"{latents}@0.5", f"{two}@0.5").batch(2).latents)


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_data_set_in_a_bucket_reads_on_when_pickled_or_forked(latents: Path, url: str) -> None:
    expected = LatentDataset(latents).read("a", 30, 60)
    dataset = LatentDataset(url)
    assert torch.equal(dataset.read("a", 30, 60), expected)
    assert torch.equal(pickle.loads(pickle.dumps(dataset)).read("a", 30, 60), expected)
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(0 if torch.equal(dataset.read("a", 30, 60), expected) else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_a_long_footer_is_fetched_whole(latents: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stemwright.shard_bytes, "FOOTER_GUESS", 100)
    assert torch.equal(LatentDataset(url).read("a", 0, 200), LatentDataset(latents).read("a", 0, 200))


def test_a_shard_missing_from_a_bucket_is_one_clear_line(url: str) -> None:
    dataset = LatentDataset(url)
    files, path = fsspec.core.url_to_fs(url)
    files.rm_file(f"{path}/shard-00000.parquet")
    with pytest.raises(InputError, match=r"a shard is missing.*prepare again"):
        dataset.read("a", 0, 10)


def test_a_bucket_without_a_data_set_is_one_clear_line(s3_bucket: str) -> None:
    with pytest.raises(InputError, match=r"s3://corpus/nothing is not a prepared data set"):
        LatentDataset(f"{s3_bucket}/nothing")


def test_many_more_files_than_stay_mapped_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stemwright.shard_bytes, "MAX_MAPPED", 3)
    names = [f"{number}.bin" for number in range(10)]
    for number, name in enumerate(names):
        (tmp_path / name).write_bytes(bytes([number]) * 100)
    files = MappedBytes(tmp_path)
    views = files.read([ByteRange(name, 10, 12) for name in names])
    assert [bytes(view) for view in views] == [bytes([number]) * 2 for number in range(10)]

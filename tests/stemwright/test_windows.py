import threading

import pytest
import torch

from stemwright.errors import InputError
from stemwright.latent_shards import LatentDataset
from stemwright.windows import PROMPT_VARIANTS, Windows

LENGTHS = {"a": 200, "b": 45, "c": 95, "short": 12}
WINDOWS_AN_EPOCH = 5 + 1 + 2 + 1  # of 40 frames


@pytest.fixture
def dataset(make_latents) -> LatentDataset:
    return LatentDataset(make_latents(LENGTHS, segment_frames=5))


def windows(dataset: LatentDataset, **changes) -> Windows:
    settings = {"num_frames": 40, "batch_size": 2, "seed": 3} | changes
    return Windows(dataset, "train", **settings)


def same(one, two) -> bool:
    return (
        torch.equal(one.latents, two.latents)
        and one.prompts == two.prompts
        and torch.equal(one.sample_ids, two.sample_ids)
    )


def test_an_epoch_takes_every_window_once(dataset):
    reader = windows(dataset)
    assert len(reader) == WINDOWS_AN_EPOCH
    for epoch in range(3):
        names = [reader.window(epoch * len(reader) + i).song.song_id for i in range(len(reader))]
        assert sorted(names) == ["a"] * 5 + ["b"] + ["c"] * 2 + ["short"]


def test_windows_of_a_song_spread_over_it_and_keep_to_segments(dataset):
    reader = windows(dataset)
    starts = {}
    for sample in range(60 * len(reader)):
        window = reader.window(sample)
        starts.setdefault(window.song.song_id, set()).add(window.start_frame)
    assert starts["a"] == set(range(0, 165, 5))
    assert starts["b"] == {0, 5}
    assert starts["short"] == {0}
    for epoch in range(5):
        samples = range(epoch * len(reader), (epoch + 1) * len(reader))
        parts = [(w.start_frame + 4) // 33 for w in map(reader.window, samples) if w.song.song_id == "a"]
        assert sorted(parts) == [0, 1, 2, 3, 4]


def test_a_batch_is_the_slice_of_the_song_that_its_window_names(dataset):
    reader = windows(dataset, batch_size=WINDOWS_AN_EPOCH)
    batch = reader.batch(1)
    assert batch.frame_mask is not None
    for row, sample in enumerate(batch.sample_ids.tolist()):
        window = reader.window(sample)
        length = min(40, dataset.num_frames(window.song.song_id))
        expected = dataset.read(window.song.song_id, window.start_frame, length)
        assert torch.equal(batch.latents[row, ..., :length], expected)
        assert not batch.latents[row, ..., length:].any()
        assert batch.frame_mask[row].tolist() == [True] * length + [False] * (40 - length)
        assert tuple(batch.presence[row].tolist()) == window.song.presence


def test_workers_together_read_what_one_worker_reads(dataset):
    alone = windows(dataset, batch_size=6)
    workers = [windows(dataset, batch_size=2, rank=rank, world_size=3) for rank in range(3)]
    for step in range(7):
        batches = [worker.batch(step) for worker in workers]
        whole = alone.batch(step)
        assert torch.equal(torch.cat([b.latents for b in batches]), whole.latents)
        assert torch.equal(torch.cat([b.sample_ids for b in batches]), whole.sample_ids)
        assert tuple(p for b in batches for p in b.prompts) == whole.prompts


def test_sample_ids_are_unique_over_the_run_and_its_workers(dataset):
    workers = [windows(dataset, rank=rank, world_size=2) for rank in range(2)]
    ids = [i for step in range(20) for worker in workers for i in worker.batch(step).sample_ids.tolist()]
    assert sorted(ids) == list(range(80))


def test_equal_seeds_give_equal_batches_in_any_order_of_steps(dataset):
    one, two = windows(dataset), windows(dataset)
    forward = [one.batch(step) for step in range(12)]
    backward = [two.batch(step) for step in reversed(range(12))][::-1]
    assert all(same(a, b) for a, b in zip(forward, backward, strict=True))


def test_another_seed_gives_another_order(dataset):
    assert not same(windows(dataset).batch(0), windows(dataset, seed=4).batch(0))


def test_epochs_differ(dataset):
    reader = windows(dataset, batch_size=WINDOWS_AN_EPOCH)
    assert not torch.equal(reader.batch(0).latents, reader.batch(1).latents)


def test_a_batch_larger_than_the_split_wraps_around(dataset):
    batch = windows(dataset, batch_size=3 * WINDOWS_AN_EPOCH).batch(0)
    assert batch.latents.shape[0] == 27
    assert windows(dataset, batch_size=27).steps_per_epoch == 1
    assert windows(dataset, batch_size=2).steps_per_epoch == 5


def test_whole_windows_need_no_mask(make_latents):
    dataset = LatentDataset(make_latents({"a": 200}))
    assert windows(dataset).batch(0).frame_mask is None


def test_a_song_has_few_prompts(dataset):
    reader = windows(dataset)
    prompts = {w.prompt for w in map(reader.window, range(500)) if w.song.song_id == "a"}
    assert 1 < len(prompts) <= PROMPT_VARIANTS


def test_an_empty_split_is_one_clear_line(dataset):
    with pytest.raises(InputError, match="'test'"):
        Windows(dataset, "test", num_frames=40, batch_size=2, seed=0)


def test_reading_ahead_gives_the_same_batches_and_ends_its_thread(dataset):
    reader = windows(dataset)
    ahead = reader.batches(4)
    for step in range(4, 10):
        number, batch = next(ahead)
        assert number == step
        assert same(batch, reader.batch(step))
    ahead.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "windows"]


def test_reading_ahead_passes_errors_on(make_latents):
    folder = make_latents({"a": 200})
    dataset = LatentDataset(folder)
    (folder / "shard-00000.parquet").unlink()
    ahead = windows(dataset).batches(0)
    with pytest.raises(FileNotFoundError):
        next(ahead)

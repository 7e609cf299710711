import threading
from collections import Counter

import numpy as np
import pytest
import torch

from stemwright.batch import Batch
from stemwright.beat_grid import read_grid
from stemwright.data_mix import DataMix
from stemwright.errors import InputError
from stemwright.latent_dataset import LatentDataset
from stemwright.windows import PROMPT_VARIANTS, Windows

LENGTHS = {"a": 200, "b": 45, "c": 95, "short": 12}
BUCKETS = (20, 40, 60)


@pytest.fixture
def data(make_latents) -> DataMix:
    return DataMix([LatentDataset(make_latents(LENGTHS, segment_frames=5))])


@pytest.fixture
def mix(make_latents) -> DataMix:
    """Three parts of `latents` to one of `other`."""
    sets = [make_latents(LENGTHS), make_latents({"x": 100, "y": 80, "a": 70}, name="other")]
    return DataMix([LatentDataset(folder) for folder in sets], [0.75, 0.25])


def windows(data: DataMix, **changes) -> Windows:
    settings = {"lengths": (40,), "batch_size": 2, "seed": 3} | changes
    return Windows(data, "train", **settings)


def same(one, two) -> bool:
    return (
        torch.equal(one.latents, two.latents)
        and one.prompts == two.prompts
        and torch.equal(one.sample_ids, two.sample_ids)
    )


def test_an_epoch_takes_every_song_once(data):
    reader = windows(data, lengths=BUCKETS)
    assert len(reader) == 4
    for epoch in range(5):
        names = [reader.window(epoch * 4 + i).song.song_id for i in range(4)]
        assert sorted(names) == ["a", "b", "c", "short"]


@pytest.mark.parametrize("world_size", [1, 2, 3, 5])
def test_workers_together_take_every_song_of_an_epoch_once(make_latents, world_size):
    songs = {str(i): 50 for i in range(30)}
    data = DataMix([LatentDataset(make_latents(songs))])
    workers = [
        windows(data, rank=rank, world_size=world_size, batch_size={1: 10, 2: 5, 3: 10, 5: 3}[world_size])
        for rank in range(world_size)
    ]
    steps = 30 // (workers[0].batch_size * world_size)
    read = [
        w.window(i).song.song_id
        for step in range(steps)
        for w in workers
        for i in w.batch(step).sample_ids.tolist()
    ]
    assert len(set(read)) == len(read) == 30


def test_windows_of_a_song_are_equally_likely_at_every_segment(data):
    reader = windows(data)
    starts = {}
    for sample in range(8000):
        window = reader.window(sample)
        starts.setdefault(window.song.song_id, []).append(window.start_frame)
    assert set(starts["a"]) == set(range(0, 165, 5))
    assert set(starts["b"]) == {0, 5}
    assert set(starts["short"]) == {0}
    counts = np.array(list(Counter(starts["a"]).values()))
    expected = 2000 / 33
    assert ((counts - expected) ** 2 / expected).sum() < 62.5  # chi-square of 32 degrees, p = 0.001


def test_all_windows_of_a_step_have_one_length_from_the_buckets(data):
    alone = windows(data, batch_size=6, lengths=BUCKETS)
    workers = [windows(data, lengths=BUCKETS, rank=rank, world_size=3) for rank in range(3)]
    lengths = []
    for step in range(40):
        (length,) = {w.batch(step).latents.shape[-1] for w in (*workers, alone)}
        assert length == alone.num_frames(step)
        lengths.append(length)
    assert set(lengths) == set(BUCKETS)


def test_a_batch_is_the_slice_of_the_song_that_its_window_names(mix):
    reader = windows(mix, batch_size=9, lengths=BUCKETS)
    for step in range(4):
        batch, length = reader.batch(step), reader.num_frames(step)
        assert batch.latents.dtype == torch.float16
        assert batch.frame_mask is not None
        for row, sample in enumerate(batch.sample_ids.tolist()):
            window = reader.window(sample)
            inside = min(length, window.song.num_frames)
            dataset = reader.parts[window.part].dataset
            expected = dataset.read(window.song.song_id, window.start_frame, inside)
            assert torch.equal(batch.latents[row, ..., :inside], expected)
            assert not batch.latents[row, ..., inside:].any()
            assert batch.frame_mask[row].tolist() == [True] * inside + [False] * (length - inside)
            assert tuple(batch.presence[row].tolist()) == window.song.presence


def test_a_batch_on_a_device_has_the_same_latents_as_float32(data):
    batch = windows(data).batch(0)
    moved = batch.to("cpu")
    assert moved.latents.dtype == torch.float32
    assert torch.equal(moved.latents, batch.latents.float())


def test_workers_together_read_what_one_worker_reads(mix):
    alone = windows(mix, batch_size=6, lengths=BUCKETS)
    workers = [windows(mix, lengths=BUCKETS, rank=rank, world_size=3) for rank in range(3)]
    for step in range(12):
        batches = [worker.batch(step) for worker in workers]
        whole = alone.batch(step)
        assert torch.equal(torch.cat([b.latents for b in batches]), whole.latents)
        assert torch.equal(torch.cat([b.sample_ids for b in batches]), whole.sample_ids)
        assert tuple(p for b in batches for p in b.prompts) == whole.prompts


def test_sample_ids_are_unique_over_the_run_and_its_workers(data):
    workers = [windows(data, rank=rank, world_size=2) for rank in range(2)]
    ids = [i for step in range(20) for worker in workers for i in worker.batch(step).sample_ids.tolist()]
    assert sorted(ids) == list(range(80))


def test_equal_seeds_give_equal_batches_in_any_order_of_steps(mix):
    one, two = windows(mix, lengths=BUCKETS), windows(mix, lengths=BUCKETS)
    forward = [one.batch(step) for step in range(12)]
    backward = [two.batch(step) for step in reversed(range(12))][::-1]
    assert all(same(a, b) for a, b in zip(forward, backward, strict=True))


def test_another_seed_gives_another_order(data):
    assert not same(windows(data).batch(0), windows(data, seed=4).batch(0))


def test_epochs_differ(data):
    reader = windows(data, batch_size=4)
    assert not torch.equal(reader.batch(0).latents, reader.batch(1).latents)


def test_neighbouring_samples_are_uncorrelated_within_epochs_and_across_them(make_latents):
    """Song, start and prompt from sample to sample and from epoch to epoch; the length from step to step."""
    rng = np.random.default_rng(0)
    songs = {f"{i:03d}": int(frames) for i, frames in enumerate(rng.integers(30, 300, 400))}
    dataset = LatentDataset(make_latents(songs))
    reader = windows(DataMix([dataset]), batch_size=8, lengths=BUCKETS)
    samples = [reader.window(i) for i in range(20 * len(reader))]
    row = {
        "song": [int(w.song.song_id) for w in samples],
        "song length": [w.song.num_frames for w in samples],
        "start": [w.start_frame for w in samples],
        "prompt": [len(w.prompt) for w in samples],
        "length": [reader.num_frames(step) for step in range(4000)],
    }
    lags = {name: [*range(1, 9)] if name == "length" else [*range(1, 9), len(reader)] for name in row}
    for name, values in row.items():
        centred = np.array(values, float) - np.mean(values)
        for lag in lags[name]:
            correlation = (centred[:-lag] * centred[lag:]).sum() / (centred**2).sum()
            assert abs(correlation) < 3 / np.sqrt(len(centred)), (name, lag)


def test_a_mix_takes_each_data_set_in_its_share_and_each_song_once_an_epoch_of_its_set(mix):
    reader = windows(mix)
    samples = [reader.window(i) for i in range(4000)]
    assert Counter(w.part for w in samples) == {0: 3000, 1: 1000}
    for part, songs in enumerate((4, 3)):
        names = [w.song.song_id for w in samples if w.part == part]
        for start in range(0, len(names) - songs, songs):
            assert len(set(names[start : start + songs])) == songs
    assert len(reader) == 7


def test_a_batch_larger_than_the_split_wraps_around(data):
    batch = windows(data, batch_size=12).batch(0)
    assert batch.latents.shape[0] == 12
    assert windows(data, batch_size=12).steps_per_epoch == 1
    assert windows(data, batch_size=3).steps_per_epoch == 2


def test_whole_windows_need_no_mask(make_latents):
    data = DataMix([LatentDataset(make_latents({"a": 200}))])
    assert windows(data).batch(0).frame_mask is None


def test_a_song_has_few_prompts(data):
    reader = windows(data)
    prompts = {w.prompt for w in map(reader.window, range(500)) if w.song.song_id == "a"}
    assert 1 < len(prompts) <= PROMPT_VARIANTS


def test_an_empty_split_is_one_clear_line(data):
    with pytest.raises(InputError, match="'test'"):
        Windows(data, "test", lengths=(40,), batch_size=2, seed=0)


def test_reading_ahead_gives_the_same_batches_and_ends_its_thread(mix):
    reader = windows(mix, lengths=BUCKETS)
    ahead = reader.batches(4)
    for step in range(4, 10):
        number, batch = next(ahead)
        assert number == step
        assert same(batch, reader.batch(step))
    ahead.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "windows"]


def test_reading_ahead_passes_errors_on(make_latents):
    folder = make_latents({"a": 200})
    data = DataMix([LatentDataset(folder)])
    (folder / "shard-00000.parquet").unlink()
    ahead = windows(data).batches(0)
    with pytest.raises(InputError, match="a shard is missing"):
        next(ahead)


def test_most_prompts_tell_where_the_window_s_bars_are_where_that_is_wanted_and_known(make_latents):
    bars = tuple(0.4 + 8 / 3 * bar for bar in range(30))  # 90 bpm
    folder = make_latents({"a": 9000, "b": 9000}, downbeats_s=bars, name="steady")
    reader = windows(DataMix([LatentDataset(folder)]), lengths=(600,), tells_grid=True)
    read = [reader.window(sample_id) for sample_id in range(200)]
    told = [(window, grid) for window in read if (grid := read_grid(window.prompt)[0])]
    assert 120 < len(told) < 180
    for window, grid in told:
        assert grid.tempo_bpm == pytest.approx(90, abs=0.01)
        assert grid.beats_per_bar == 4
        start_s = window.start_frame / 150
        assert min(abs(start_s + grid.bar_s - bar) for bar in bars) < 2e-3
    silent = windows(DataMix([LatentDataset(folder)]), lengths=(600,))
    assert not any(read_grid(silent.window(sample_id).prompt)[0] for sample_id in range(50))


def test_telling_the_grid_changes_nothing_else_of_a_window(make_latents):
    folder = make_latents(LENGTHS, downbeats_s=(0.0, 1.0, 2.0))
    data = DataMix([LatentDataset(folder)])
    told, silent = windows(data, tells_grid=True), windows(data)
    for sample_id in range(30):
        one, other = told.window(sample_id), silent.window(sample_id)
        assert (one.song.song_id, one.start_frame) == (other.song.song_id, other.start_frame)
        assert read_grid(one.prompt)[1] == other.prompt


@pytest.mark.parametrize("present", [1, 2, 3])
def test_workers_that_are_there_read_the_batches_of_those_that_are_away(data: DataMix, present: int) -> None:
    everyone = [windows(data, lengths=BUCKETS, rank=rank, world_size=3) for rank in range(3)]
    there = [
        windows(data, lengths=BUCKETS, rank=rank, world_size=3, present=present) for rank in range(present)
    ]
    for step in range(4):
        together = Batch.joined([each.batch(step) for each in everyone])
        read = Batch.joined([each.batch(step) for each in there])
        assert same(together, read.rows(read.sample_ids.argsort().tolist()))
    assert there[0].steps_per_epoch == everyone[0].steps_per_epoch

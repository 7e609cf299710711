from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from stemwright.data_mix import HELD_OUT, DataMix
from stemwright.data_source import DataSource
from stemwright.dataset_info import DatasetInfo
from stemwright.errors import InputError
from stemwright.latent_dataset import LatentDataset
from stemwright.song_index import read_song_index, write_song_index

Make = Callable[..., Path]


def mix_of(*folders: Path, weights: tuple[float, ...] | None = None) -> DataMix:
    return DataMix([LatentDataset(folder) for folder in folders], weights)


def test_facts_and_licences_of_all_sets_come_together(make_latents: Make) -> None:
    one = make_latents({"a": 150, "b": 150}, held_out=["b"])
    two = make_latents({"c": 300}, name="two", licence="CC-BY-4.0")
    mix = mix_of(one, two)
    assert mix.info.licences == {"CC0-1.0": 2, "CC-BY-4.0": 1}
    assert mix.info.num_songs == {"train": 2, "test": 1}
    assert mix.info.hours == pytest.approx(4 / 3600)
    assert mix.info.gains_db == pytest.approx((1.0, -2.5, 3.0, 0.0))
    assert str(mix) == f"{one}, {two}"


def test_one_set_is_itself(make_latents: Make) -> None:
    dataset = LatentDataset(make_latents({"a": 150}))
    mix = DataMix([dataset])
    assert mix.info == dataset.info
    assert torch.equal(mix.stats().std, dataset.stats().std)


def test_statistics_are_those_of_what_training_hears(make_latents: Make) -> None:
    """Weights that undo the sets' sizes give the statistics of all frames; others lean to the heavier."""
    one, two = make_latents({"a": 150, "b": 90}), make_latents({"c": 80, "d": 70, "e": 60}, name="two")
    datasets = LatentDataset(one), LatentDataset(two)
    frames = [sum(song.num_frames for song in dataset.songs("train")) for dataset in datasets]
    pooled = datasets[0].moments().merge(datasets[1].moments()).stats()
    mixed = mix_of(one, two, weights=(frames[0] / 100, frames[1] / 100)).stats()
    torch.testing.assert_close(mixed.mean, pooled.mean)
    torch.testing.assert_close(mixed.std, pooled.std)
    mostly = mix_of(one, two, weights=(0.001, 100)).stats()
    torch.testing.assert_close(mostly.std, datasets[1].stats().std, rtol=1e-3, atol=1e-3)


def test_held_out_songs_are_each_sets_own_validation_split_or_else_its_test_split(make_latents: Make) -> None:
    one = make_latents({"a": 150, "b": 150}, held_out=["b"])
    two = make_latents({"c": 300, "d": 300, "e": 300}, name="two", held_out=["e"])
    songs = read_song_index(two)
    write_song_index(two, [replace(s, split="validation") if s.song_id == "d" else s for s in songs])
    three = make_latents({"f": 300}, name="three")
    parts = mix_of(one, two, three, weights=(1, 2, 3)).parts(HELD_OUT)
    assert [[song.song_id for song in part.songs] for part in parts] == [["b"], ["d"]]
    assert [part.weight for part in parts] == [1, 2]


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("codec_fingerprint", "noise-2", "codec fingerprint noise-1, not noise-2"),
        ("loudness_lufs", -20.0, "loudness lufs -23.0, not -20.0"),
        ("track_names", ("bass", "drums", "melody", "voice"), "not bass, drums, melody, voice"),
    ],
)
def test_sets_that_do_not_agree_are_refused(make_latents: Make, field: str, value: object, said: str) -> None:
    one, two = make_latents({"a": 150}), make_latents({"b": 150}, name="two")
    replace(DatasetInfo.load(two), **{field: value}).save(two)  # pyright: ignore[reportArgumentType]
    with pytest.raises(InputError, match=rf"latents and .*two do not mix: .*{said}.*prepare both alike"):
        mix_of(one, two)


def test_a_set_given_twice_is_refused(make_latents: Make) -> None:
    folder = make_latents({"a": 150})
    with pytest.raises(InputError, match="given twice"):
        mix_of(folder, folder)


def test_sources_open_with_their_weights(make_latents: Make) -> None:
    one, two = make_latents({"a": 150}), make_latents({"b": 150}, name="two")
    mix = DataMix.open([DataSource.of(str(one)), DataSource.of(f"{two}@0.25")])
    assert mix.weights == (1.0, 0.25)

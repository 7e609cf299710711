from collections.abc import Callable
from pathlib import Path

from stemwright.data_mix import DataMix
from stemwright.data_source import DataSource
from stemwright_platform.training.excerpt import choose_excerpt

Make = Callable[..., Path]


def opened(folder: Path) -> DataMix:
    return DataMix.open([DataSource.of(str(folder))])


def test_an_excerpt_is_of_a_held_out_song_with_most_tracks_and_the_same_every_time(
    make_latents: Make,
) -> None:
    lengths = {"all tracks": 400, "three tracks": 400, "trained on": 400}
    data = opened(make_latents(lengths, held_out=["all tracks", "three tracks"], segment_frames=30))
    first, again = choose_excerpt(data, 1.0), choose_excerpt(data, 1.0)
    assert first is not None
    assert again is not None
    assert first.song_id == "all tracks"
    assert first.latents.shape == (1, 4, 6, 150)
    assert round(first.start_s * 150) % 30 == 0
    assert (first.start_s, first.prompt) == (again.start_s, again.prompt)
    assert first.latents.equal(again.latents)


def test_a_song_shorter_than_the_excerpt_is_taken_whole(make_latents: Make) -> None:
    excerpt = choose_excerpt(opened(make_latents({"a": 90, "b": 100}, held_out=["a"])), 8.0)
    assert excerpt is not None
    assert (excerpt.start_s, excerpt.latents.shape[-1]) == (0.0, 90)


def test_where_nothing_is_held_out_there_is_none(make_latents: Make) -> None:
    assert choose_excerpt(opened(make_latents({"a": 90}))) is None

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from stemwright.errors import InputError
from stemwright.latent_dataset import LatentDataset
from stemwright_platform.evaluation.clip import Clip, ClipChoice, choose_clips

MakeLatents = Callable[..., Path]


@pytest.fixture
def dataset(make_latents: MakeLatents) -> LatentDataset:
    lengths = {"a": 1000, "b": 1000, "c/d": 700, "e": 150, "f": 900}
    return LatentDataset(make_latents(lengths, segment_frames=50, held_out=["a", "b", "c/d", "e"]))


def chosen(dataset: LatentDataset, count: int = 5, seed: int = 0) -> ClipChoice:
    return choose_clips(dataset, "test", count, 2.0, seed=seed)


def test_windows_lie_in_their_songs_on_segments_and_never_overlap(dataset: LatentDataset) -> None:
    every = chosen(dataset).pool
    spans: dict[str, list[tuple[float, float]]] = {}
    for clip in every:
        assert clip.start_s * 3 == pytest.approx(round(clip.start_s * 3))
        assert (clip.start_s + clip.duration_s) * 150 <= dataset.num_frames(clip.song) + 1e-6
        spans.setdefault(clip.song, []).append((clip.start_s, clip.start_s + clip.duration_s))
    for of_song in spans.values():
        ordered = sorted(of_song)
        assert all(one[1] <= other[0] + 1e-6 for one, other in pairwise(ordered))


def test_what_is_evaluated_and_what_it_is_held_against_are_of_different_songs(dataset: LatentDataset) -> None:
    choice = chosen(dataset, count=100)
    songs = [{clip.song for clip in clips} for clips in (choice.clips, choice.reference, choice.training)]
    assert all(songs)
    assert not songs[0] & songs[1]
    assert not (songs[0] | songs[1]) & songs[2]


def test_songs_take_turns(dataset: LatentDataset) -> None:
    assert len({clip.song for clip in chosen(dataset, count=2).clips}) == 2


def test_the_choice_depends_on_the_seed_alone(dataset: LatentDataset) -> None:
    assert chosen(dataset) == chosen(dataset)
    assert chosen(dataset) != chosen(dataset, seed=1)


def test_fewer_clips_are_the_first_of_more(dataset: LatentDataset) -> None:
    assert chosen(dataset, count=2).clips == chosen(dataset, count=5).clips[:2]


def test_names_are_folders_and_distinct(dataset: LatentDataset) -> None:
    names = [clip.clip for clip in chosen(dataset).pool]
    assert len(set(names)) == len(names)
    assert not any("/" in name for name in names)


def test_a_song_that_lacks_a_track_says_so(dataset: LatentDataset) -> None:
    tracks = {clip.song: clip.tracks for clip in chosen(dataset).pool}
    assert tracks["a"] == ("bass", "drums", "instrument", "melody")
    assert tracks["b"] == ("bass", "drums", "instrument")


def test_one_song_serves_for_both(make_latents: MakeLatents) -> None:
    choice = choose_clips(LatentDataset(make_latents({"a": 900}, held_out=["a"])), "test", 9, 2.0)
    assert not {clip.clip for clip in choice.clips} & {clip.clip for clip in choice.reference}


def test_a_split_without_such_songs_is_refused(dataset: LatentDataset) -> None:
    with pytest.raises(InputError, match="no song of split 'test' lasts 20 s"):
        choose_clips(dataset, "test", 4, 20.0)
    with pytest.raises(InputError, match="split 'validation'"):
        choose_clips(dataset, "validation", 4, 2.0)


def test_a_clip_says_all_it_knows(dataset: LatentDataset) -> None:
    clip = chosen(dataset).clips[0]
    assert Clip(**clip.as_dict()) == clip

import random

import pytest

from stemwright_platform.corpus.manifest import Song
from stemwright_platform.corpus.shard_plan import LEAST_SHARD_S, SHARD_S, plan_shards


def songs_of(durations_s):
    return [
        Song(
            song_id=f"song {number}",
            split="train",
            duration_s=duration_s,
            sample_rate_hz=48000,
            tracks={"bass": (f"/corpus/{number}.flac",)},
        )
        for number, duration_s in enumerate(durations_s)
    ]


def realistic(count, seed=0):
    """Songs of one to eight minutes, about four on average."""
    rng = random.Random(seed)
    return songs_of([min(480.0, max(60.0, rng.gauss(240, 60))) for _ in range(count)])


@pytest.mark.parametrize("count", [1, 2, 50, 3000])
def test_every_song_is_in_one_shard(count):
    songs = realistic(count)
    planned = [song for plan in plan_shards(songs) for song in plan.songs]
    assert sorted(song.song_id for song in planned) == sorted(song.song_id for song in songs)


def test_shards_of_a_large_corpus_are_of_equal_size():
    plans = plan_shards(realistic(3000))
    durations_s = [plan.duration_s for plan in plans]
    middle = sorted(durations_s)[len(durations_s) // 2]
    assert middle == pytest.approx(SHARD_S, rel=0.05)
    assert sum(abs(duration_s / middle - 1) < 0.05 for duration_s in durations_s) > 0.9 * len(plans)
    assert all(abs(duration_s / middle - 1) < 0.12 for duration_s in durations_s)


def test_a_small_corpus_has_shards_for_several_workers():
    plans = plan_shards(songs_of([30.0] * 24))
    assert len(plans) == 24 * 30 / LEAST_SHARD_S
    assert {plan.duration_s for plan in plans} == {LEAST_SHARD_S}


def test_songs_added_to_a_large_corpus_leave_its_first_shards_alone():
    songs = realistic(800)
    before, after = plan_shards(songs[:500]), plan_shards(songs)
    kept = sum(one == other for one, other in zip(before, after, strict=False))
    assert kept > 0.8 * len(before)


def test_a_song_longer_than_a_shard_has_one_of_its_own():
    plans = plan_shards(songs_of([200.0] * 30 + [7200.0]))
    (own,) = [plan for plan in plans if any(song.duration_s == 7200 for song in plan.songs)]
    assert len(own.songs) == 1

from dataclasses import replace

import pytest

from stemwright.tracks import TRACKS
from stemwright_platform.evaluation.clip import Clip
from stemwright_platform.evaluation.strangers import strangers

CLIP = Clip(
    clip="a_0010s",
    song="a",
    start_s=10.0,
    duration_s=8.0,
    prompt="blues",
    tracks=TRACKS.names,
    tempo_bpm=100.0,
    key="A minor",
)


def other(
    song: str, tempo_bpm: float | None = 100.5, key: str | None = "A minor", start_s: float = 0
) -> Clip:
    return replace(CLIP, clip=f"{song}_{start_s:g}", song=song, tempo_bpm=tempo_bpm, key=key, start_s=start_s)


def test_each_track_comes_from_another_song_of_the_same_tempo_and_key() -> None:
    alike = [other(song) for song in "bcd"]
    found = strangers(CLIP, [CLIP, *alike, other("e", 130), other("f", key="C major"), other("g", None)])
    assert [one.track for one in found] == list(TRACKS.names)
    assert found[0].clip.song == "a"
    assert sorted(one.clip.song for one in found[1:]) == ["b", "c", "d"]
    assert not any(one.same_song for one in found)


def test_without_partners_it_is_the_same_song_elsewhere_off_the_beat() -> None:
    pool = [CLIP, other("a", 100.0, start_s=18), other("a", 100.0, start_s=26), other("z", 140)]
    found = strangers(CLIP, pool)[1:]
    assert all(one.same_song and one.clip.song == "a" for one in found)
    beats = [(one.clip.start_s - CLIP.start_s) / 0.6 for one in found]
    off = [abs(beat - round(beat)) for beat in beats]
    assert all(abs(one.clip.start_s - CLIP.start_s) > 0.1 for one in found)
    assert len({round(value, 6) for value in off}) == len(off)


@pytest.mark.parametrize("start_s", [0.0, 0.2])
def test_nothing_begins_before_its_song(start_s: float) -> None:
    clip = replace(CLIP, start_s=start_s)
    assert all(one.clip.start_s >= 0 for one in strangers(clip, [clip]))


def test_unknown_tempo_or_key_is_no_likeness() -> None:
    unknown = replace(CLIP, tempo_bpm=None, key=None)
    pool = [unknown, replace(unknown, clip="b", song="b")]
    assert all(one.same_song for one in strangers(unknown, pool)[1:])


def test_the_same_seed_finds_the_same() -> None:
    pool = [other(song) for song in "bcdefgh"]
    assert strangers(CLIP, pool, seed=1) == strangers(CLIP, pool, seed=1)
    assert strangers(CLIP, pool, seed=1) != strangers(CLIP, pool, seed=2)

from itertools import pairwise

import pytest

from stemwright.prompts import SongMetadata
from stemwright_platform.assessment.window import Window, asking_prompt, halves, windows_of
from stemwright_platform.corpus.manifest import Song


def song(name: str, duration_s: float, tempo_bpm: float = 100.0) -> Song:
    return Song(
        song_id=name,
        split="test",
        duration_s=duration_s,
        sample_rate_hz=48000,
        tracks={"bass": (f"{name}.flac",), "drums": (), "melody": None},
        metadata=SongMetadata(
            genres=("blues", "slow blues"),
            instruments=("organ",),
            moods=("tired", "blue"),
            tempo_bpm=tempo_bpm,
            key="A minor",
        ),
        downbeats_s=(0.5, 2.9, 5.3),
    )


SONGS = [song("a", 35.0), song("b", 11.0), song("c", 24.0), song("d", 9.0)]


def test_windows_lie_in_their_songs_and_never_overlap() -> None:
    found = windows_of(SONGS, 10.0, 100)
    for one in SONGS:
        starts_s = sorted(window.start_s for window in found if window.song is one)
        assert all(later - earlier >= 10 - 1e-3 for earlier, later in pairwise(starts_s))
        assert all(0 <= start_s <= one.duration_s - 10 + 1e-3 for start_s in starts_s)
    assert [len([w for w in found if w.song is one]) for one in SONGS] == [3, 1, 2, 0]


def test_every_song_is_heard_before_one_is_heard_twice() -> None:
    assert {window.song.song_id for window in windows_of(SONGS, 10.0, 3)} == {"a", "b", "c"}


def test_the_same_seed_chooses_the_same_windows_and_more_of_them_hold_the_fewer() -> None:
    assert windows_of(SONGS, 10.0, 6)[:3] == windows_of(SONGS, 10.0, 3)
    assert windows_of(SONGS, 10.0, 6, seed=1) != windows_of(SONGS, 10.0, 6)


def test_halves_share_no_song() -> None:
    mine, others = halves(windows_of(SONGS, 10.0, 100))
    assert mine
    assert others
    assert not {window.song.song_id for window in mine} & {window.song.song_id for window in others}


@pytest.mark.parametrize("tempo_bpm", [61.0, 100.0, 180.0])
def test_prompts_name_tempo_and_key(tempo_bpm: float) -> None:
    prompt = asking_prompt(song("a", 20.0, tempo_bpm).metadata)
    assert f"{tempo_bpm:.0f} bpm" in prompt
    assert "A minor" in prompt


def test_a_song_of_which_nothing_is_known_has_an_empty_prompt() -> None:
    assert asking_prompt(SongMetadata()) == ""


def test_a_window_knows_its_tracks_and_its_first_bar_line() -> None:
    window = Window(song=SONGS[0], start_s=1.0, duration_s=4.0)
    assert window.tracks == ("bass", "drums")
    assert window.downbeat_s == pytest.approx(1.9)
    assert Window(song=SONGS[0], start_s=6.0, duration_s=4.0).downbeat_s is None


def test_names_are_files_names_and_tell_windows_apart() -> None:
    odd = song("a/b: c", 20.0)
    names = {Window(song=odd, start_s=at, duration_s=4.0).name for at in (0.0, 0.001, 1.0)}
    assert len(names) == 3
    assert not any(set("/: ") & set(name) for name in names)

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from stemwright.prompts import SongMetadata
from stemwright_platform.assessment.example_stem import example_stems
from stemwright_platform.assessment.window import Window
from stemwright_platform.corpus.manifest import Song


@pytest.fixture
def windows(make_song: Callable[..., Song]) -> list[Window]:
    """Six songs with a piano, two with a flute, one with nothing known."""
    song = make_song("song", 1.0)

    def one(number: int, melody: str) -> Window:
        words = ("finger bass", "jazz drums", "piano", melody) if melody else ()
        named = replace(song, song_id=f"s{number}", metadata=SongMetadata(instruments=words))
        return Window(song=named, start_s=0.0, duration_s=1.0)

    return [one(number, melody) for number, melody in enumerate(["piano"] * 6 + ["flute"] * 2 + [""])]


def described(window: Window, track: str) -> np.ndarray | None:
    return None if window.song.song_id == "s1" else np.zeros(3, np.float32)


def families(found: list) -> dict[str, int]:
    return dict(Counter(stem.family for stem in found))


def test_families_take_turns_until_they_run_out(windows: list[Window]) -> None:
    found = example_stems(windows, "melody", described)
    assert [stem.family for stem in found[:4]] == ["piano", "pipe", "piano", "pipe"]
    assert families(found) == {"piano": 5, "pipe": 2}


def test_silent_stems_and_songs_of_unknown_instruments_are_left_out(windows: list[Window]) -> None:
    songs = {stem.window.song.song_id for stem in example_stems(windows, "melody", described)}
    assert songs == {f"s{number}" for number in (0, 2, 3, 4, 5, 6, 7)}


def test_limits_hold_and_nothing_beyond_them_is_described(windows: list[Window]) -> None:
    asked: list[str] = []

    def counting(window: Window, track: str) -> np.ndarray | None:
        asked.append(window.song.song_id)
        return described(window, track)

    assert families(example_stems(windows, "melody", counting, most=3)) == {"piano": 2, "pipe": 1}
    assert asked == ["s0", "s6", "s1", "s2"]
    assert families(example_stems(windows, "melody", described, each=2)) == {"piano": 2, "pipe": 2}
    assert families(example_stems(windows, "melody", described, families={"pipe"})) == {"pipe": 2}

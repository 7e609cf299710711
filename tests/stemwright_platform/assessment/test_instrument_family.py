from collections.abc import Callable
from dataclasses import replace

import pytest

from stemwright.prompts import SongMetadata
from stemwright_platform.assessment.instrument_family import family_of, instruments_by_track
from stemwright_platform.corpus.general_midi import KITS, PROGRAMS
from stemwright_platform.corpus.manifest import Song


def playing(song: Song, *words: str) -> Song:
    return replace(song, metadata=SongMetadata(instruments=words))


@pytest.mark.parametrize(
    ("track", "words", "family"),
    [
        ("melody", "tenor sax", "reed"),
        ("instrument", "electric piano", "piano"),
        ("melody", "bass and lead synth", "synth lead"),
        ("bass", "bass and lead synth", "synth bass"),
        ("bass", "upright bass", "upright bass"),
        ("bass", "slap bass", "electric bass"),
        ("drums", "brushed drums", "jazz kit"),
        ("drums", "drum machine", "electronic kit"),
        ("melody", "drum machine", None),
        ("drums", "tenor sax", None),
        ("melody", "my own noise", None),
    ],
)
def test_the_family_is_that_of_the_instrument_in_its_track(
    track: str, words: str, family: str | None
) -> None:
    assert family_of(track, words) == family


def test_every_instrument_that_prompts_know_has_a_family() -> None:
    assert all(family_of("melody", words) for words in PROGRAMS)
    assert all(family_of("drums", words) for words in KITS.values())


def test_instruments_belong_to_the_tracks_in_their_order(make_song: Callable[..., Song]) -> None:
    words = ("finger bass", "jazz drums", "piano", "flute")
    song = playing(make_song("a"), *words)
    assert list(instruments_by_track(song).items()) == list(
        zip(("bass", "drums", "instrument", "melody"), words, strict=True)
    )


def test_a_song_that_does_without_a_track_names_no_instrument_for_it(make_song: Callable[..., Song]) -> None:
    song = playing(make_song("b", drums=None), "finger bass", "piano", "flute")
    assert instruments_by_track(song) == {"bass": "finger bass", "instrument": "piano", "melody": "flute"}


@pytest.mark.parametrize(
    "words",
    [
        ("finger bass", "jazz drums", "piano"),
        ("jazz drums", "finger bass", "piano", "flute"),
        ("flute", "jazz drums", "piano", "finger bass"),
        ("finger bass", "jazz drums", "piano", "a thing"),
        (),
    ],
)
def test_words_that_cannot_be_the_tracks_instruments_tell_nothing(
    make_song: Callable[..., Song], words: tuple[str, ...]
) -> None:
    assert instruments_by_track(playing(make_song("c"), *words)) == {}

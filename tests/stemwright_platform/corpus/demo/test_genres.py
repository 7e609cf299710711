import pytest

from stemwright_platform.corpus.demo.drums import VELOCITIES, VOICES
from stemwright_platform.corpus.demo.genre import Genre
from stemwright_platform.corpus.demo.genres import GENRES
from stemwright_platform.corpus.demo.harmony import Key, progression
from stemwright_platform.corpus.general_midi import KITS, PROGRAMS


@pytest.mark.parametrize("genre", GENRES, ids=lambda genre: genre.name)
def test_every_pattern_of_a_genre_is_whole_bars_of_known_steps(genre: Genre) -> None:
    for groove in genre.grooves:
        assert "kick" in groove.drums
        assert groove.drums.keys() <= VOICES.keys()
        written = [
            *((pattern, {*VELOCITIES, "."}) for pattern in groove.drums.values()),
            *((pattern, set("R3578a.-")) for pattern in groove.bass if pattern not in ("kick", "walk")),
            *((pattern, set("Xx12345.-")) for pattern in groove.comping),
        ]
        for pattern, steps in written:
            assert len(pattern) % genre.steps_per_bar == 0, pattern
            assert set(pattern) <= steps, pattern
    assert {len(rhythm) for rhythm in genre.rhythms} == {genre.steps_per_bar}


@pytest.mark.parametrize("genre", GENRES, ids=lambda genre: genre.name)
def test_every_progression_and_instrument_of_a_genre_exists(genre: Genre) -> None:
    for mode, texts in genre.progressions.items():
        for text in texts:
            assert progression(text, Key(0, mode))
    assert {*genre.bass_programs, *genre.comping_programs, *genre.melody_programs} <= set(
        range(len(PROGRAMS))
    )
    assert set(genre.kits) <= KITS.keys()
    assert len(genre.melody_programs) > 1


def test_there_are_at_least_eight_genres() -> None:
    assert len({genre.name for genre in GENRES}) >= 8

from itertools import islice

import pytest

from stemwright_platform.corpus.demo.harmony import Key
from stemwright_platform.corpus.demo.matched_songs import matched_songs


def test_all_have_the_tempo_and_the_key_and_each_is_a_song_of_its_own() -> None:
    songs = list(islice(matched_songs(104, Key(7, "major"), duration_s=12, seed=3), 6))
    assert {song.tempo_bpm for song in songs} == {104}
    assert {song.key for song in songs} == {Key(7, "major")}
    assert len({repr(song.notes) for song in songs}) == 6
    assert len({song.genre.name for song in songs}) > 1


def test_a_seed_gives_its_songs_again() -> None:
    def notes(seed: int) -> list[str]:
        songs = matched_songs(120, Key(0, "minor"), duration_s=8, seed=seed)
        return [repr(song.notes) for song in islice(songs, 2)]

    assert notes(1) == notes(1) != notes(2)


def test_a_tempo_that_no_genre_has_is_refused() -> None:
    with pytest.raises(ValueError, match="300 bpm"):
        next(matched_songs(300, Key(0, "minor"), duration_s=8, seed=1))

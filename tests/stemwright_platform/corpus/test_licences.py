from collections.abc import Callable
from dataclasses import replace

import pytest

from stemwright.errors import InputError
from stemwright_platform.corpus.licences import with_licences
from stemwright_platform.corpus.manifest import Song

LICENCES = ("CC0-1.0", "CC-BY-4.0", "CC-BY-NC-SA-4.0", "LicenseRef-Own")


@pytest.fixture
def songs(make_song: Callable[..., Song]) -> list[Song]:
    one = make_song("one")
    return [replace(one, song_id=licence, licence=licence) for licence in LICENCES]


@pytest.mark.parametrize(
    ("patterns", "taken"),
    [
        ((), LICENCES),
        (("cc0-1.0",), ("CC0-1.0",)),
        (("CC-BY-*",), ("CC-BY-4.0", "CC-BY-NC-SA-4.0")),
        (("CC*", "!*-NC-*"), ("CC0-1.0", "CC-BY-4.0")),
        (("!*-nc-*",), ("CC0-1.0", "CC-BY-4.0", "LicenseRef-Own")),
    ],
)
def test_songs_are_taken_by_patterns_of_their_licences(
    songs: list[Song], patterns: tuple[str, ...], taken: tuple[str, ...]
) -> None:
    assert [song.licence for song in with_licences(songs, patterns)] == list(taken)


def test_where_no_song_is_left_the_licences_there_are_are_named(songs: list[Song]) -> None:
    with pytest.raises(InputError, match=r"licence of GPL-\*; there are: CC-BY-4\.0, CC-BY-NC-SA-4\.0"):
        with_licences(songs, ["GPL-*"])

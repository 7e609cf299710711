from collections.abc import Callable
from dataclasses import replace

from stemwright.prompts import SongMetadata
from stemwright_platform.corpus.estimated_fields import missing_fields, with_earlier_estimates, with_fields
from stemwright_platform.corpus.manifest import Song

FOUND = {"tempo_bpm": 120.0, "key": "A minor", "downbeats_s": (0.0, 2.0)}


def test_what_a_song_lacks_is_filled_in_and_named_and_what_it_has_stays(
    make_song: Callable[..., Song],
) -> None:
    song = make_song("one")  # whose tempo is known: 90
    assert missing_fields(song) == ("key", "downbeats_s")
    full = with_fields(song, FOUND)
    assert (full.metadata.tempo_bpm, full.metadata.key, full.downbeats_s) == (90.0, "A minor", (0.0, 2.0))
    assert full.metadata.genres == song.metadata.genres
    assert full.estimated == ("key", "downbeats_s")
    assert missing_fields(full) == ()
    assert with_fields(full, FOUND) == full


def test_what_was_not_found_stays_missing(make_song: Callable[..., Song]) -> None:
    song = replace(make_song("one"), metadata=SongMetadata())
    assert with_fields(song, {"tempo_bpm": None, "key": None, "downbeats_s": ()}) == song
    assert with_fields(song, {"key": "C major"}).estimated == ("key",)


def test_earlier_estimates_are_kept_for_the_same_audio_only(make_song: Callable[..., Song]) -> None:
    songs = [replace(make_song(name), metadata=SongMetadata()) for name in ("one", "two", "three")]
    earlier = [
        with_fields(songs[0], FOUND),
        replace(with_fields(songs[1], FOUND), tracks={"bass": ("x.wav",)}),
    ]
    assert with_earlier_estimates(songs, earlier) == [earlier[0], songs[1], songs[2]]
    known = replace(songs[0], metadata=SongMetadata(key="D major"))
    (kept,) = with_earlier_estimates([known], earlier)
    assert (kept.metadata.key, kept.estimated) == ("D major", ("tempo_bpm", "downbeats_s"))

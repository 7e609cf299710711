import json
from dataclasses import replace

from stemwright.prompts import SongMetadata
from stemwright_platform.corpus.manifest import Song
from stemwright_platform.corpus.stats import UNKNOWN, Amount, Presence, corpus_stats

SONG = Song(
    song_id="a",
    split="train",
    duration_s=1800.0,
    sample_rate_hz=44_100,
    tracks={"bass": ("a.wav",), "drums": (), "melody": None},
    metadata=SongMetadata(genres=("rock", "blues"), tempo_bpm=119.9, key="A minor"),
    licence="CC0-1.0",
)
BARE = Song(
    song_id="b",
    split="test",
    duration_s=3600.0,
    sample_rate_hz=48_000,
    tracks={"bass": ("b.wav",)},
    mix_path="m",
)


def test_hours_splits_and_presence_are_counted() -> None:
    stats = corpus_stats([BARE, SONG])
    assert (stats.songs, stats.hours, stats.with_mix) == (2, 1.5, 1)
    assert (stats.shortest_s, stats.longest_s) == (1800.0, 3600.0)
    assert list(stats.splits.items()) == [
        ("train", Amount(songs=1, hours=0.5)),
        ("test", Amount(songs=1, hours=1.0)),
    ]
    assert list(stats.tracks) == ["bass", "drums", "instrument", "melody"]
    assert stats.tracks["bass"] == Presence(present=2, silent=0, missing=0, hours=1.5)
    assert stats.tracks["drums"] == Presence(present=0, silent=1, missing=1, hours=0.0)


def test_every_song_counts_in_every_table_and_once_for_each_of_its_genres() -> None:
    stats = corpus_stats([BARE, SONG, replace(SONG, song_id="c", metadata=SongMetadata(genres=("rock",)))])
    assert {name: amount.songs for name, amount in stats.genres.items()} == {
        "rock": 2,
        UNKNOWN: 1,
        "blues": 1,
    }
    assert next(iter(stats.genres)) == "rock"
    for table in (
        stats.tempos,
        stats.keys,
        stats.licences,
        stats.sources,
        stats.sample_rates_hz,
        stats.splits,
    ):
        assert sum(amount.songs for amount in table.values()) == 3


def test_tempos_run_from_slow_to_fast_with_the_unknown_last() -> None:
    tempos = [None, 210.0, 60.0, 119.9, 100.0]
    songs = [
        replace(SONG, song_id=str(place), metadata=SongMetadata(tempo_bpm=tempo))
        for place, tempo in enumerate(tempos)
    ]
    assert list(corpus_stats(songs).tempos) == ["60–79", "100–119", "200–219", UNKNOWN]


def test_the_whole_can_be_written_as_json() -> None:
    found = json.loads(json.dumps(corpus_stats([SONG, BARE]).to_json()))
    assert found["licences"]["CC0-1.0"] == {"songs": 1, "hours": 0.5}


def test_tracks_beyond_the_usual_ones_are_told_too() -> None:
    stats = corpus_stats([replace(SONG, tracks={"bass": ("a",), "choir": ("b",)})])
    assert list(stats.tracks)[-1] == "choir"

from collections import Counter

import numpy as np

from stemwright_platform.corpus.demo.casting import (
    ABSENT_SHARE,
    LEAST_SHARE,
    TRACKS,
    Cast,
    Habits,
    cast_song,
    draw_habits,
)
from stemwright_platform.corpus.demo.form import Span, plan_form

PHRASES = {"verse": 4, "chorus": 4, "bridge": 4}


def casts(count: int) -> list[tuple[list[Span], Habits, list[Cast]]]:
    made = []
    for seed in range(count):
        rng = np.random.default_rng(seed)
        spans = plan_form("song", 64, PHRASES, 2.0, rng)
        habits = draw_habits(64, ("drums", "melody"), rng)
        made.append((spans, habits, cast_song(spans, habits, rng)))
    return made


def test_somebody_plays_in_every_bar() -> None:
    for spans, _, song in casts(60):
        for span, cast in zip(spans, song, strict=True):
            assert frozenset().union(*cast.values()) == frozenset(range(span.bars))


def test_a_track_plays_a_share_of_every_song_but_those_that_do_without_it() -> None:
    absent = 0
    for spans, habits, song in casts(200):
        bars = sum(span.bars for span in spans)
        for track in TRACKS:
            played = sum(len(cast[track]) for cast in song)
            assert played == 0 if track == habits.absent else played >= LEAST_SHARE * bars * 0.8
        absent += habits.absent is not None
    assert 0.3 * ABSENT_SHARE * 200 < absent < 2 * ABSENT_SHARE * 200


def test_every_track_rests_for_whole_sections_of_some_songs() -> None:
    resting = Counter[str]()
    for spans, _, song in casts(60):
        resting.update(
            {track for cast, span in zip(song, spans, strict=True) for track in TRACKS if not cast[track]}
        )
    assert all(resting[track] > 15 for track in TRACKS)


def test_everybody_plays_all_of_a_short_song() -> None:
    rng = np.random.default_rng(0)
    spans = plan_form("song", 9, PHRASES, 2.0, rng)
    for cast, span in zip(cast_song(spans, draw_habits(9, ("drums",), rng), rng), spans, strict=True):
        assert set(cast.values()) == {frozenset(range(span.bars))}

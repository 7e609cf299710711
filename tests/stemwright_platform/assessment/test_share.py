import math

import numpy as np
import pytest

from stemwright_platform.assessment.share import share_of_way, witnesses

FLOOR = np.array([0.1, 0.2, 0.0, 0.1, 0.15, 0.05])
CEILING = np.array([0.8, 0.7, 0.9, 0.8, 0.75, 0.85])
SONGS = list("abcdef")


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0, 1.3])
def test_what_goes_the_same_part_of_every_way_has_that_share_without_doubt(share: float) -> None:
    found = share_of_way(FLOOR + share * (CEILING - FLOOR), FLOOR, CEILING, SONGS)
    assert found.value == pytest.approx(share)
    assert found.low == pytest.approx(share)
    assert found.high == pytest.approx(share)


def test_the_interval_holds_the_share_and_is_wider_where_songs_differ() -> None:
    made = FLOOR + np.array([0.2, 0.8, 0.5, 0.1, 0.9, 0.5]) * (CEILING - FLOOR)
    found = share_of_way(made, FLOOR, CEILING, SONGS)
    assert found.low < found.value < found.high


def test_a_take_that_cannot_be_scored_is_at_the_floor() -> None:
    made = CEILING.copy()
    made[:3] = math.nan
    lowered = np.where(np.isnan(made), FLOOR, made)
    assert (
        share_of_way(made, FLOOR, CEILING, SONGS).value == share_of_way(lowered, FLOOR, CEILING, SONGS).value
    )


def test_songs_whose_own_tracks_cannot_be_scored_are_left_out() -> None:
    ceiling = np.append(CEILING, math.nan)
    found = share_of_way(np.append(FLOOR, 9.0), np.append(FLOOR, 0.0), ceiling, [*SONGS, "g"])
    assert found.value == pytest.approx(0.0)
    assert found.n == len(SONGS)


def test_where_real_stems_are_no_better_than_strangers_there_is_no_share() -> None:
    alike = FLOOR + np.array([0.1, -0.1, 0.1, -0.1, 0.1, -0.1])
    assert math.isnan(share_of_way(FLOOR, FLOOR, alike, SONGS).value)


def test_three_songs_are_too_few() -> None:
    assert math.isnan(share_of_way(CEILING[:3], FLOOR[:3], CEILING[:3], SONGS[:3]).value)


def test_places_stand_for_songs_where_these_are_too_few() -> None:
    assert witnesses(["a", "a"], ["a1", "a2"]) == ["a1", "a2"]
    assert witnesses(SONGS, [f"{song}1" for song in SONGS]) == SONGS

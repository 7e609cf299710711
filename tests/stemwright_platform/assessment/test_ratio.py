import math

import numpy as np
import pytest

from stemwright_platform.assessment.ratio import ratio_of_means


def test_takes_that_are_right_as_often_as_real_stems_have_one() -> None:
    right = [1.0, 0.0, 1.0, 1.0, 0.0, 1.0]
    found = ratio_of_means(right, right, list("aabbcc"))
    assert (found.value, found.low, found.high, found.n) == (1.0, 1.0, 1.0, 6)


def test_the_interval_of_two_shares_covers_what_they_were_drawn_from() -> None:
    rng = np.random.default_rng(4)
    covered = 0
    for _ in range(100):
        made, real = (rng.random((2, 60)) < [[0.6], [0.9]]).astype(float)
        found = ratio_of_means(made.tolist(), real.tolist(), range(60))
        covered += found.low <= 0.6 / 0.9 <= found.high
    assert covered >= 88


def test_clips_of_one_song_are_one_witness() -> None:
    made, real = [1.0, 1.0, 1.0, 0.0, 0.0, 0.0] * 3, [1.0] * 18
    alone = ratio_of_means(made, real, range(18))
    of_songs = ratio_of_means(made, real, [place // 3 for place in range(18)])
    assert of_songs.value == alone.value == 0.5
    assert of_songs.high - of_songs.low > 1.3 * (alone.high - alone.low)


def test_real_stems_that_are_never_right_leave_nothing_to_compare_with() -> None:
    assert math.isnan(ratio_of_means([1.0], [0.0], ["a"]).value)
    assert ratio_of_means([], [], []).n == 0
    with pytest.raises(ValueError, match="against"):
        ratio_of_means([1.0], [], ["a"])

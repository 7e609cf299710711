import math

import numpy as np
import pytest

from stemwright_platform.sweeps.crossed_mean import crossed_mean


def drawn(rng: np.random.Generator, seeds: int, songs: int, scales: tuple[float, float, float]) -> np.ndarray:
    """[R, C] with the mean 1: what a seed adds, what a song adds, and the rest."""
    of_seed, of_song, rest = scales
    return (
        1
        + of_seed * rng.standard_normal((seeds, 1))
        + of_song * rng.standard_normal((1, songs))
        + rest * rng.standard_normal((seeds, songs))
    )


@pytest.mark.parametrize(
    "scales", [(0.0, 0.0, 1.0), (1.0, 0.0, 0.3), (0.0, 1.0, 0.3), (0.5, 0.5, 0.5), (0.3, 1.0, 1.0)]
)
@pytest.mark.parametrize(("seeds", "songs"), [(3, 12), (2, 6), (5, 5)])
def test_the_interval_holds_the_mean_as_often_as_it_says(
    seeds: int, songs: int, scales: tuple[float, float, float]
) -> None:
    rng = np.random.default_rng(0)
    found = [crossed_mean(drawn(rng, seeds, songs, scales)) for _ in range(400)]
    held = np.mean([abs(each.value - 1) <= each.half_width for each in found])
    assert held > 0.92
    assert np.mean([each.half_width for each in found]) < 13 * max(scales)  # and is of some use


def test_a_difference_that_is_not_there_is_seldom_found() -> None:
    rng = np.random.default_rng(1)
    p_values = [crossed_mean(drawn(rng, 3, 10, (0.3, 0.3, 1.0)) - 1).p_value for _ in range(400)]
    assert np.mean([p < 0.05 for p in p_values]) < 0.08


def test_many_songs_do_not_make_up_for_few_seeds() -> None:
    rng = np.random.default_rng(2)
    few, many = (
        np.median([crossed_mean(drawn(rng, 3, songs, (1.0, 0.1, 0.1))).half_width for _ in range(40)])
        for songs in (10, 1000)
    )
    assert many > 0.6 * few


def test_with_one_seed_the_interval_is_over_songs_and_with_one_song_over_seeds() -> None:
    values = np.array([[1.0, 2.0, 4.0]])
    over_songs, over_seeds = crossed_mean(values), crossed_mean(values.T)
    assert over_songs.half_width == over_seeds.half_width > 0
    assert (over_songs.seeds, over_songs.songs) == (over_seeds.songs, over_seeds.seeds) == (1, 3)


def test_songs_that_lack_a_value_are_left_out() -> None:
    found = crossed_mean([[1.0, 2.0, math.nan], [3.0, 4.0, 5.0]])
    assert (found.value, found.songs) == (2.5, 2)
    nothing = crossed_mean([[math.nan], [1.0]])
    assert math.isnan(nothing.value)
    assert math.isnan(nothing.half_width)
    assert math.isnan(nothing.p_value)
    assert math.isnan(crossed_mean([[1.0]]).half_width)


def test_equal_values_are_sure() -> None:
    found = crossed_mean(np.full((3, 4), 0.5))
    assert found.half_width == 0
    assert found.p_value == 0
    assert crossed_mean(np.zeros((3, 4))).p_value == 1


def test_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\[R, C\]"):
        crossed_mean([1.0, 2.0])

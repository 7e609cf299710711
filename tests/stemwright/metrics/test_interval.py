import math

import numpy as np
import pytest

from stemwright.metrics.interval import bootstrap_interval, drawn_interval


def test_the_value_is_the_mean_and_lies_within() -> None:
    values = np.random.default_rng(1).normal(3, 2, 200)
    found = bootstrap_interval(values)
    assert found.value == pytest.approx(values.mean())
    assert found.low < found.value < found.high
    assert found.n == 200


def test_the_width_is_that_of_the_normal_theory_where_many_normal_values_are() -> None:
    values = np.random.default_rng(2).normal(0, 1, 2000)
    found = bootstrap_interval(values, draws=4000)
    half = 1.96 * values.std(ddof=1) / math.sqrt(2000)
    assert found.high - found.value == pytest.approx(half, rel=0.08)
    assert found.value - found.low == pytest.approx(half, rel=0.08)


@pytest.mark.parametrize("n", [6, 30])
def test_the_true_mean_is_covered_as_often_as_the_level_says_even_of_few_values(n: int) -> None:
    generator = np.random.default_rng(3)
    trials = 400
    covered = 0
    for trial in range(trials):
        found = bootstrap_interval(generator.normal(1, 1, n), draws=500, seed=trial)
        covered += found.low <= 1 <= found.high
    assert 0.91 <= covered / trials <= 0.99


def test_a_higher_level_is_wider() -> None:
    values = np.random.default_rng(4).random(40)
    wide, narrow = bootstrap_interval(values, level=0.99), bootstrap_interval(values, level=0.8)
    assert wide.low < narrow.low < narrow.high < wide.high


def test_the_seed_decides_the_interval() -> None:
    values = np.random.default_rng(5).random(30)
    assert bootstrap_interval(values, seed=1) == bootstrap_interval(values, seed=1)
    assert bootstrap_interval(values, seed=1) != bootstrap_interval(values, seed=2)


def test_values_that_are_not_numbers_are_left_out() -> None:
    assert bootstrap_interval([1.0, math.nan, 2.0, 4.0]) == bootstrap_interval([1.0, 2.0, 4.0])


def test_nothing_is_not_a_number_and_one_value_has_no_bounds() -> None:
    nothing = bootstrap_interval([math.nan])
    assert math.isnan(nothing.value)
    assert nothing.n == 0
    one = bootstrap_interval([0.5])
    assert (one.value, one.n) == (0.5, 1)
    assert math.isnan(one.low)
    assert math.isnan(one.high)


def test_equal_values_leave_no_doubt() -> None:
    found = bootstrap_interval([2.0] * 5)
    assert (found.low, found.value, found.high) == (2.0, 2.0, 2.0)


def test_draws_in_blocks_are_of_the_number_asked_for_however_many_values_there_are() -> None:
    values = np.random.default_rng(6).normal(0, 1, 400_000)
    found = bootstrap_interval(values, draws=40)
    assert found.low < found.value < found.high


def test_draws_that_failed_do_not_count() -> None:
    drawn = np.concatenate([np.linspace(0, 1, 1001), [math.nan] * 10])
    assert drawn_interval(0.5, drawn, 10_000).low == pytest.approx(0.025, abs=0.001)


def test_a_table_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\[n\]"):
        bootstrap_interval(np.zeros((2, 2)))


def test_values_of_one_cluster_are_one_witness() -> None:
    rng = np.random.default_rng(0)
    songs = np.repeat(np.arange(12), 8)
    values = rng.standard_normal(12)[songs] + 0.1 * rng.standard_normal(96)
    apart, together = bootstrap_interval(values), bootstrap_interval(values, clusters=songs.tolist())
    assert (together.value, together.n) == (apart.value, apart.n)
    assert together.high - together.low > 2 * (apart.high - apart.low)


def test_clusters_of_one_value_each_change_nothing() -> None:
    values = np.random.default_rng(1).standard_normal(20)
    assert bootstrap_interval(values, clusters=list(range(20))) == bootstrap_interval(values)


def test_the_interval_over_clusters_holds_the_mean_as_often_as_it_says() -> None:
    held = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        songs = np.repeat(np.arange(15), rng.integers(1, 6, 15))
        values = rng.standard_normal(15)[songs] + 0.3 * rng.standard_normal(len(songs))
        interval = bootstrap_interval(values, clusters=songs.tolist(), draws=400, seed=seed)
        held += interval.low <= 0 <= interval.high
    assert 0.88 <= held / 200 <= 0.99


def test_unknown_values_and_their_clusters_are_left_out() -> None:
    values = [1.0, float("nan"), 3.0, float("nan")]
    interval = bootstrap_interval(values, clusters=["a", "a", "b", "c"])
    assert (interval.value, interval.n) == (2.0, 2)
    with pytest.raises(ValueError, match="clusters"):
        bootstrap_interval(values, clusters=["a"])

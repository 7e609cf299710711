import math
from typing import get_args

import numpy as np
import pytest
from scipy import stats

from stemwright.metrics.paired import Comparison, PairedTest, compare_paired, stars

TESTS = get_args(PairedTest)


def spread(n: int, shift: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Scores of n clips that differ far more between clips than between systems."""
    generator = np.random.default_rng(seed)
    clips = generator.normal(0, 5, n)
    return clips + shift + generator.normal(0, 0.5, n), clips + generator.normal(0, 0.5, n)


@pytest.mark.parametrize("test", TESTS)
def test_a_small_steady_difference_is_seen_through_large_ones_between_clips(test: PairedTest) -> None:
    a, b = spread(40, 0.6)
    found = compare_paired(a, b, test=test)
    assert found.p_value < 0.001
    assert 0 < found.low < found.difference < found.high
    assert (found.n, found.test) == (40, test)
    assert stats.ttest_ind(a, b).pvalue > 0.3


@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize("n", [8, 30])
def test_without_a_difference_the_p_value_is_below_a_tenth_in_a_tenth_of_cases(
    n: int, test: PairedTest
) -> None:
    values = [compare_paired(*spread(n, 0, seed), test=test, seed=seed).p_value for seed in range(150)]
    assert 0.04 <= np.mean(np.array(values) < 0.1) <= 0.17


@pytest.mark.parametrize("test", TESTS)
def test_the_other_way_round_only_the_sign_changes(test: PairedTest) -> None:
    a, b = spread(12, 0.3)
    forth, back = compare_paired(a, b, test=test), compare_paired(b, a, test=test)
    assert forth.difference == pytest.approx(-back.difference)
    assert forth.p_value == pytest.approx(back.p_value)


def test_the_permutation_test_is_exact_for_few_pairs() -> None:
    found = compare_paired([1.0, 2.0, 3.0, 4.0], [0.0, 0.0, 0.0, 0.0])
    assert found.p_value == pytest.approx(2 / 2**4)
    uneven = [0.1, 0.2, 0.3, 0.4, -0.05, 0.7, 0.11]
    reference = stats.permutation_test((uneven,), np.mean, permutation_type="samples", n_resamples=np.inf)
    assert compare_paired(uneven, np.zeros(7)).p_value == pytest.approx(reference.pvalue)


def test_drawn_flips_agree_with_all_of_them() -> None:
    a, b = spread(16, 0.25, seed=3)
    signs = 1 - 2 * ((np.arange(2**16)[:, None] >> np.arange(16)) & 1)
    exact = (np.abs(signs @ (a - b)) >= abs((a - b).sum()) - 1e-9).mean()
    assert compare_paired(a, b).p_value == pytest.approx(exact, rel=0.1)


def test_wilcoxon_is_scipys() -> None:
    a, b = spread(20, 0.2, seed=4)
    assert compare_paired(a, b, test="wilcoxon").p_value == pytest.approx(stats.wilcoxon(a, b).pvalue)


@pytest.mark.parametrize("test", TESTS)
def test_equal_scores_and_none_have_answers(test: PairedTest) -> None:
    equal = compare_paired([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], test=test)
    assert (equal.difference, equal.p_value) == (0.0, 1.0)
    nothing = compare_paired([math.nan], [1.0], test=test)
    assert math.isnan(nothing.p_value)
    assert nothing.n == 0


@pytest.mark.parametrize("test", TESTS)
def test_ties_and_zeros_raise_no_warning(test: PairedTest) -> None:
    found = compare_paired([1, 1, 0, 2, 2, 3], [0, 0, 0, 2, 1, 1], test=test)
    assert 0 < found.p_value <= 1


def test_a_pair_without_a_number_is_left_out() -> None:
    a, b = spread(10, 1)
    with_gap: Comparison = compare_paired([*a, math.nan], [*b, 3.0])
    assert with_gap == compare_paired(a, b)


def test_scores_of_different_clips_are_refused() -> None:
    with pytest.raises(ValueError, match="same"):
        compare_paired([1.0, 2.0], [1.0])


def test_stars_are_the_papers() -> None:
    assert [stars(p) for p in (0.0, 0.0099, 0.01, 0.049, 0.05, math.nan)] == ["**", "**", "*", "*", "", ""]


def test_many_clips_of_few_songs_prove_no_more_than_the_songs() -> None:
    songs = np.repeat(np.arange(4), 25)
    rng = np.random.default_rng(2)
    a = np.array([0.5, 0.6, 0.4, 0.7])[songs] + 0.05 * rng.standard_normal(100)
    b = np.zeros(100)
    assert compare_paired(a, b).p_value < 0.001
    together = compare_paired(a, b, clusters=songs.tolist())
    assert together.p_value == 2 / 2**4
    assert together.n == 100

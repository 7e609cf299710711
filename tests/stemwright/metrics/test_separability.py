import math

import numpy as np
import pytest
from scipy import stats

from stemwright.metrics.separability import separate


def test_values_wholly_above_are_told_apart_wholly() -> None:
    found = separate([3, 4, 5, 6.5], [0, 1, 2])
    assert found.auc == 1
    assert found.p_value < 0.05
    assert found.effect_size > 2
    assert found.n == 3


def test_the_area_and_effect_of_two_normals_are_those_of_theory() -> None:
    generator = np.random.default_rng(0)
    found = separate(generator.normal(1, 1, 4000), generator.normal(0, 1, 4000))
    assert found.auc == pytest.approx(stats.norm.cdf(1 / math.sqrt(2)), abs=0.015)
    assert found.effect_size == pytest.approx(1, abs=0.06)


def test_the_other_way_round_mirrors_the_area_and_is_no_evidence() -> None:
    generator = np.random.default_rng(1)
    true, shuffled = generator.normal(1, 1, 30), generator.normal(0, 1, 40)
    forth, back = separate(true, shuffled), separate(shuffled, true)
    assert forth.auc + back.auc == pytest.approx(1)
    assert forth.effect_size == pytest.approx(-back.effect_size)
    assert forth.p_value < 0.01 < 0.9 < back.p_value


def test_a_tie_counts_half() -> None:
    assert separate([1.0, 1.0], [1.0, 1.0]).auc == 0.5
    assert separate([1.0, 2.0], [1.0, 1.0]).auc == 0.75


def test_values_that_are_not_numbers_are_left_out_and_an_empty_side_gives_none() -> None:
    assert separate([2.0, 3.0, math.nan], [1.0, 0.0]) == separate([2.0, 3.0], [1.0, 0.0])
    nothing = separate([], [1.0])
    assert math.isnan(nothing.auc)
    assert nothing.n == 0


def test_sides_without_a_spread_have_an_answer() -> None:
    assert separate([2.0, 2.0], [1.0, 1.0]).effect_size == math.inf
    assert separate([1.0, 1.0], [1.0, 1.0]).effect_size == 0
    assert math.isnan(separate([2.0], [1.0]).effect_size)

"""Which λ is chosen."""

import numpy as np
import pytest

from stemwright_platform.sweeps.guidance_choice import choose_scale, refusals
from stemwright_platform.sweeps.guidance_line import Line, mean_line, resampled

SCALES = (0.0, 1.0, 2.0, 3.0, 7.0)
CLIPS = 30


def line(means: list[float], noise: float) -> Line:
    """Clips that scatter by `noise` at each λ for itself."""
    rng = np.random.default_rng(5)
    scatter = rng.standard_normal((len(means), CLIPS))
    scatter -= scatter.mean(1, keepdims=True)
    return mean_line(np.asarray(means)[:, None] + noise * scatter, resampled(CLIPS))


def test_a_clear_best_is_chosen() -> None:
    choice = choose_scale(SCALES, line([0, 0.5, 0.6, 0.9, 0.7], noise=0.01))
    assert (choice.scale, choice.best, choice.as_good) == (3, 3, (3,))


def test_among_equals_the_one_nearest_to_plain_generation_is_chosen() -> None:
    choice = choose_scale(SCALES, line([0, 0.5, 0.88, 0.9, 0.89], noise=0.5))
    assert (choice.scale, choice.best) == (2, 3)
    assert set(choice.as_good) == {2, 3, 7}


def test_what_is_enough_is_as_good_as_the_best() -> None:
    figures = line([0.1, 0.9, 1.05, 1.2, 1.4], noise=0.01)
    assert choose_scale(SCALES, figures, enough=1.0).scale == 2
    assert choose_scale(SCALES, figures, enough=1.3).scale == 7
    assert choose_scale(SCALES, figures).scale == 7
    assert choose_scale(SCALES, figures, enough=1.0, refused={2.0: "too loud"}).scale == 3
    low = line([5, 3, 2, 1.5, 1], noise=0.01)
    assert choose_scale(SCALES, low, better="lower", enough=3.1).scale == 1


def test_where_low_is_good_the_lowest_is_best() -> None:
    assert choose_scale(SCALES, line([5, 3, 2, 2.5, 9], noise=0.01), better="lower").scale == 2


def test_a_refused_scale_is_not_chosen_however_good() -> None:
    figures = line([0, 0.5, 0.6, 0.9, 2.0], noise=0.01)
    choice = choose_scale(SCALES, figures, refused={7.0: "takes hardly differ"})
    assert choice.scale == 3
    assert choice.refused == {7.0: "takes hardly differ"}


def test_a_scale_without_a_figure_is_not_chosen() -> None:
    assert choose_scale(SCALES, line([0, 0.5, 0.6, float("nan"), 0.2], noise=0.01)).scale == 2


def test_no_figure_at_all_is_said() -> None:
    with pytest.raises(ValueError, match="could be measured"):
        choose_scale(SCALES, line([float("nan")] * 5, noise=0.01))


def test_scales_are_refused_whose_takes_are_all_alike_or_anything() -> None:
    found = refusals(SCALES, {"bass": [1, 1, 0.5, 0.2, 9]}, {})
    assert list(found) == [3, 7]
    assert "hardly differ" in found[3]
    assert "scatter" in found[7]


def test_scales_are_refused_whose_level_is_off_unless_the_plain_one_is_as_far() -> None:
    assert list(refusals(SCALES, {}, {"bass": [-1, -2, 3, 7, -12]})) == [3, 7]
    assert list(refusals(SCALES, {}, {"bass": [-8, -9, -8, -10, -12]})) == [3, 7]


def test_one_take_a_clip_refuses_nothing_by_its_spread() -> None:
    assert refusals(SCALES, {"bass": [float("nan")] * 5}, {"bass": [0.0] * 5}) == {}

"""Figures at every λ over the same clips."""

from dataclasses import replace

import numpy as np
import pytest

from stemwright_platform.sweeps.guidance_line import average, mean_line, resampled


def clip_values(offsets: list[float], clips: int = 24, noise: float = 1.0) -> np.ndarray:
    """[Q, C]: clips differ much from one another, and alike at every λ."""
    rng = np.random.default_rng(1)
    return np.add.outer(np.asarray(offsets), noise * rng.standard_normal(clips))


def test_a_line_is_the_mean_over_clips_within_its_interval() -> None:
    values = clip_values([0.0, 1.0, 3.0])
    line = mean_line(values, resampled(24))
    low, high = line.interval()
    assert line.values == pytest.approx(values.mean(1))
    assert (low < line.values).all()
    assert (line.values < high).all()


def test_standard_errors_are_those_of_a_mean() -> None:
    values = np.random.default_rng(2).standard_normal((3, 200))
    line = mean_line(values, resampled(200))
    assert line.standard_errors() == pytest.approx(values.std(1) / np.sqrt(200), rel=0.1)


def test_differences_over_the_same_clips_are_surer_than_the_values() -> None:
    line = mean_line(clip_values([0.0, 0.1]), resampled(24))
    behind = line.differences(0)
    assert behind.values == pytest.approx([0, 0.1])
    assert behind.standard_errors() == pytest.approx([0, 0], abs=1e-9)
    assert (line.standard_errors() > 0.1).all()


def test_what_could_not_be_measured_is_left_out() -> None:
    values = clip_values([0.0, 1.0])
    values[1, 3] = np.nan
    line = mean_line(values, resampled(24))
    assert line.values == pytest.approx([values[0].mean(), np.nanmean(values[1])])
    assert np.isfinite(line.draws).all()


def test_of_a_single_clip_nothing_is_sure() -> None:
    line = mean_line(clip_values([0.0, 1.0], clips=1), resampled(1))
    assert np.isfinite(line.values).all()
    assert np.isnan([*line.interval(), line.standard_errors()]).all()


def test_nothing_measured_is_no_figure_and_spoils_no_average() -> None:
    counts = resampled(24)
    nothing = mean_line(np.full((2, 24), np.nan), counts)
    something = mean_line(clip_values([0.0, 1.0]), counts)
    assert np.isnan(nothing.values).all()
    assert average([nothing, something]).values == pytest.approx(something.values)


def test_a_difference_that_most_clips_show_is_no_accident_and_one_of_few_clips_may_be() -> None:
    rng = np.random.default_rng(3)
    values = np.stack([np.zeros(24), 0.9 + rng.standard_normal(24), rng.standard_normal(24)])
    line = mean_line(values, resampled(24))
    assert line.p_value(1, 0) < 0.05 < line.p_value(2, 0)
    few = mean_line(clip_values([0.0, 1.0], clips=4), resampled(4))
    assert few.p_value(1, 0) > 0.05  # of 16 ways to flip four signs, two are as far
    assert np.isnan(replace(few, by_clip=None).p_value(1, 0))


def test_every_draw_takes_as_many_clips_as_there_are() -> None:
    assert (resampled(7, 50).sum(1) == 7).all()
    assert np.array_equal(resampled(7, 50, seed=4), resampled(7, 50, seed=4))

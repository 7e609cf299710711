import math

import numpy as np
import pytest
import scipy.linalg
from numpy.typing import NDArray

from stemwright.metrics.frechet import (
    GaussianFit,
    frechet_distance,
    frechet_infinity,
    frechet_interval,
)

WIDTH = 12
MANY = 10**7


def gaussian(mean: NDArray[np.float64], covariance: NDArray[np.float64]) -> GaussianFit:
    """As fitted to countless embeddings."""
    return GaussianFit(n=MANY, mean=mean, scatter=covariance * (MANY - 1))


def covariance(seed: int, width: int = WIDTH) -> NDArray[np.float64]:
    root = np.random.default_rng(seed).normal(size=(width, width)) * 0.8 ** np.arange(width)
    return root @ root.T


REFERENCE = gaussian(np.zeros(WIDTH), covariance(0))
SHIFT = np.linspace(0, 0.5, WIDTH)
TRUTH = frechet_distance(gaussian(SHIFT, 1.3 * covariance(0)), REFERENCE)


def clips(count: int, seed: int) -> list[NDArray[np.float64]]:
    """From the Gaussian at distance TRUTH: one to five embeddings a clip, alike within it."""
    rng = np.random.default_rng(seed)
    root = scipy.linalg.cholesky(1.3 * covariance(0), lower=True)
    own = rng.normal(size=(count, 1, WIDTH))
    return [
        (math.sqrt(0.6) * middle + math.sqrt(0.4) * rng.normal(size=(rng.integers(1, 6), WIDTH))) @ root.T
        + SHIFT
        for middle in own
    ]


def test_two_gaussians_on_the_same_axes_have_the_known_distance() -> None:
    a, b = np.array([4.0, 1.0, 0.0]), np.array([1.0, 9.0, 0.25])
    shift = np.array([1.0, 2.0, -2.0])
    known = 9.0 + (2 - 1) ** 2 + (1 - 3) ** 2 + 0.5**2
    found = frechet_distance(gaussian(shift, np.diag(a)), gaussian(np.zeros(3), np.diag(b)))
    assert found == pytest.approx(known, abs=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_it_equals_the_formula_with_scipys_matrix_root(seed: int) -> None:
    a, b = covariance(seed), covariance(seed + 10)
    mean = np.random.default_rng(seed).normal(size=WIDTH)
    known = mean @ mean + np.trace(a + b - 2 * np.real(scipy.linalg.sqrtm(a @ b)))
    assert frechet_distance(gaussian(mean, a), gaussian(np.zeros(WIDTH), b)) == pytest.approx(known, rel=1e-6)


def test_it_is_symmetric_zero_for_equals_and_blind_to_rotation() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(60, WIDTH)) @ covariance(1), rng.normal(size=(80, WIDTH)) @ covariance(2) + 1
    a, b = GaussianFit.of(x), GaussianFit.of(y)
    distance = frechet_distance(a, b)
    assert frechet_distance(b, a) == pytest.approx(distance, rel=1e-9)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-9 * np.trace(a.covariance))
    turn = scipy.linalg.qr(rng.normal(size=(WIDTH, WIDTH)))[0]
    turned = frechet_distance(GaussianFit.of(x @ turn), GaussianFit.of(y @ turn))
    assert turned == pytest.approx(distance, rel=1e-9)


def test_fewer_embeddings_than_dimensions_are_no_trouble() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=(5, 200))
    fit = GaussianFit.of(x)
    assert frechet_distance(fit, fit) == pytest.approx(0, abs=1e-9)
    # between a Gaussian in a plane and a point in it, only the plane counts
    point = GaussianFit.of(np.repeat(x[:1], 3, axis=0))
    known = np.square(fit.mean - x[0]).sum() + np.trace(fit.covariance)
    assert frechet_distance(fit, point) == pytest.approx(known, rel=1e-6)


def test_a_set_fitted_in_parts_is_the_set_fitted_whole() -> None:
    x = (
        np.random.default_rng(3).normal(size=(500, WIDTH)) * 0.1 + 1000
    )  # far from 0, where sums of squares fail
    parts = GaussianFit.of(x[:0])
    for first in range(0, 500, 7):
        parts = parts.merged(GaussianFit.of(x[first : first + 7]))
    whole = GaussianFit.of(x)
    assert parts.n == whole.n == 500
    np.testing.assert_allclose(parts.mean, whole.mean, rtol=1e-12)
    np.testing.assert_allclose(parts.covariance, np.cov(x.T), rtol=1e-7, atol=1e-9)


def test_what_cannot_be_fitted_is_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        GaussianFit.of(np.array([[1.0, math.nan]]))
    with pytest.raises(ValueError, match="at least 2"):
        frechet_distance(GaussianFit.of(np.ones((1, WIDTH))), REFERENCE)
    with pytest.raises(ValueError, match="at least 2"):
        frechet_interval([np.ones((1, WIDTH)), np.ones((0, WIDTH))], REFERENCE)
    with pytest.raises(ValueError, match="finite"):
        frechet_interval([np.full((2, WIDTH), np.inf)], REFERENCE)


def test_the_value_of_an_interval_is_the_distance_of_all_embeddings() -> None:
    for count in (2, 9, 60):
        heard = clips(count, seed=count)
        score = frechet_interval(heard, REFERENCE, draws=20)
        whole = frechet_distance(GaussianFit.of(np.concatenate(heard)), REFERENCE)
        assert score.value == pytest.approx(whole, rel=1e-5)
        assert score.low < score.value < score.high
        assert (score.n, score.patches) == (count, sum(map(len, heard)))


def test_few_embeddings_are_warned_of() -> None:
    few, enough = (frechet_interval(clips(n, seed=1), REFERENCE, draws=2).note for n in (5, 60))
    assert "small set" in few
    assert "small" not in enough
    reference = GaussianFit.of(np.concatenate(clips(4, seed=3)))
    assert "small reference" in frechet_interval(clips(60, seed=1), reference, draws=2).note


def test_one_clip_has_a_value_and_no_bounds() -> None:
    score = frechet_interval(
        [clips(3, seed=1)[0], np.random.default_rng(0).normal(size=(4, WIDTH))][1:], REFERENCE
    )
    assert math.isfinite(score.value)
    assert math.isnan(score.low)
    assert math.isnan(score.high)


def test_small_sets_look_further_away_than_they_are() -> None:
    means = [
        np.mean([frechet_interval(clips(n, seed), REFERENCE, draws=0).value for seed in range(30)])
        for n in (20, 60, 400)
    ]
    assert means[0] > means[1] > means[2] > TRUTH


def test_nineteen_in_twenty_intervals_hold_the_distance_expected_at_their_size() -> None:
    expected = np.mean([frechet_interval(clips(40, 1000 + n), REFERENCE, draws=0).value for n in range(300)])
    scores = [frechet_interval(clips(40, seed), REFERENCE, draws=150, seed=seed) for seed in range(80)]
    held = np.mean([score.low <= expected <= score.high for score in scores])
    assert held > 0.86


def test_clips_and_not_their_embeddings_are_drawn() -> None:
    heard = clips(40, seed=5)
    torn = [embedding[None] for clip in heard for embedding in clip]
    width, torn_width = (
        score.high - score.low
        for score in (frechet_interval(given, REFERENCE, draws=300) for given in (heard, torn))
    )
    assert width > 1.2 * torn_width


def test_the_extrapolation_is_nearer_to_the_truth_than_the_distance_at_its_size() -> None:
    found = [frechet_infinity(clips(60, seed), REFERENCE, draws=10, seed=seed) for seed in range(20)]
    assert all(len(one.sizes) >= 15 and one.slope > 0 and one.r_squared > 0.5 for one in found if one)
    extrapolated = np.mean([one.value for one in found if one])
    plain = np.mean([frechet_interval(clips(60, seed), REFERENCE, draws=0).value for seed in range(20)])
    assert abs(extrapolated - TRUTH) < 0.4 * abs(plain - TRUTH)


def test_too_few_clips_are_not_extrapolated() -> None:
    assert frechet_infinity(clips(29, seed=0), REFERENCE) is None


def test_the_same_seed_gives_the_same_interval_and_line() -> None:
    heard = clips(40, seed=6)
    assert frechet_interval(heard, REFERENCE, draws=20, seed=3) == frechet_interval(
        heard, REFERENCE, draws=20, seed=3
    )
    assert frechet_infinity(heard, REFERENCE, seed=3) == frechet_infinity(heard, REFERENCE, seed=3)

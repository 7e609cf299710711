"""On jointly Gaussian tracks the best λ is known; the sweep's own sampling and choosing must find it.

Axes: Q guidance scale, C clip, W draw, K track, D latent channel, S latent frame.
"""

import numpy as np
import pytest
import torch
from gaussian_tracks import GaussianTracks  # pyright: ignore[reportMissingImports]
from torch import Tensor

from stemwright.diffusion import NoiseSchedule
from stemwright.guidance import Guidance
from stemwright.sampler import Denoiser, Sampling
from stemwright.tasks import Task
from stemwright_platform.sweeps.guidance_choice import choose_scale, refusals
from stemwright_platform.sweeps.guidance_line import Line, resampled
from stemwright_platform.sweeps.guidance_rows import GuidanceRows
from stemwright_platform.sweeps.seed_spread import seed_spread

SCALES = (0.0, 1.0, 1.5, 2.0, 3.0, 5.0, 7.0)
CLIPS, TAKES, CHANNELS, FRAMES = 16, 2, 4, 64
SCHEDULE = NoiseSchedule.scaled_linear()
TRUTH = GaussianTracks(
    mean=torch.tensor([0.5, -0.3], dtype=torch.float64),
    covariance=torch.tensor([[1.0, 0.9], [0.9, 1.0]], dtype=torch.float64),
)
TASK = Task(("track0",), ("track1",), tracks=TRUTH.tracks)


def weakened(share: float) -> Denoiser:
    """The best denoiser, but that it takes in only a share of what the given track tells it."""
    best = TRUTH.denoiser(SCHEDULE, TASK)

    def denoiser(z: Tensor, t: Tensor, text: object) -> Tensor:
        deaf = torch.where(TASK.given_mask, SCHEDULE.num_timesteps, t)
        marginal = best(z, deaf, None)
        return marginal + share * (best(z, t, None) - marginal)

    return denoiser


def made(denoiser: Denoiser) -> Tensor:
    """Given track and target at every λ, float64 [Q, C, takes, K, D, S]."""
    songs = TRUTH.draw(CLIPS, CHANNELS, FRAMES, torch.Generator().manual_seed(0))
    clips = [scales_of(denoiser, song, seed) for seed, song in enumerate(songs)]
    return torch.stack(clips, dim=1)


def scales_of(denoiser: Denoiser, song: Tensor, seed: int) -> Tensor:
    samplings = [
        Sampling(
            SCHEDULE,
            TASK,
            song.expand(TAKES, -1, -1, -1),
            guidance=Guidance(scale=scale),
            num_steps=25,
            generator=torch.Generator().manual_seed(seed),
        )
        for scale in SCALES
    ]
    return torch.stack(GuidanceRows(samplings).run(denoiser))


def distances(music: Tensor) -> Line:
    """Fréchet distance of (given, target) to the truth at each λ, by moments of whole clips."""
    vectors = music.movedim(3, -1).flatten(2, -2).numpy()  # [Q, C, vectors, K]
    sums = vectors.sum(2)
    products = np.einsum("qcvi,qcvj->qcij", vectors, vectors)
    counts = np.concatenate([np.ones((1, CLIPS)), resampled(CLIPS, 300)])
    total = CLIPS * vectors.shape[2]
    mean = np.einsum("wc,qci->wqi", counts, sums) / total
    second = np.einsum("wc,qcij->wqij", counts, products) / total
    far = frechet(mean, second - mean[..., :, None] * mean[..., None, :])
    return Line(values=far[0], draws=far[1:], n=CLIPS)


def frechet(mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Between Gaussians `mean […, K]`, `covariance […, K, K]` and the truth (Dowson 1982)."""
    true_mean, true_covariance = TRUTH.mean.numpy(), TRUTH.covariance.numpy()
    root = np.linalg.cholesky(true_covariance)
    cross = np.linalg.eigvalsh(root.T @ covariance @ root).clip(min=0)
    spread = np.trace(covariance, axis1=-2, axis2=-1) + np.trace(true_covariance)
    return ((mean - true_mean) ** 2).sum(-1) + spread - 2 * np.sqrt(cross).sum(-1)


def spreads(music: Tensor) -> dict[str, list[float]]:
    targets = music[..., TASK.target_mask, :, :]
    return {"track0": [float(np.mean([seed_spread(clip) for clip in scale])) for scale in targets]}


@pytest.fixture(scope="module")
def exact() -> Tensor:
    return made(weakened(1.0))


@pytest.fixture(scope="module")
def weak() -> Tensor:
    return made(weakened(0.5))


def test_of_an_exact_model_plain_conditional_generation_is_best(exact: Tensor) -> None:
    choice = choose_scale(SCALES, distances(exact), better="lower")
    assert (choice.scale, choice.best, choice.as_good) == (1, 1, (1,))


def test_of_a_model_that_hears_half_of_the_given_the_best_scale_is_two(weak: Tensor) -> None:
    choice = choose_scale(SCALES, distances(weak), better="lower")
    assert (choice.scale, choice.best, choice.as_good) == (2, 2, (2,))


@pytest.mark.parametrize("music", ["exact", "weak"])
def test_the_error_bars_tell_the_best_from_every_other(music: str, request: pytest.FixtureRequest) -> None:
    line = distances(request.getfixturevalue(music))
    best = int(line.values.argmin())
    low, high = line.differences(best).interval()
    others = [q for q in range(len(SCALES)) if q != best]
    assert (low[others] > 0).all()
    assert (low <= high).all()


def test_the_best_scale_gives_a_weak_model_back_what_an_exact_one_makes(exact: Tensor, weak: Tensor) -> None:
    assert torch.allclose(weak[SCALES.index(2)], exact[SCALES.index(1)], atol=1e-9)


@pytest.mark.parametrize(("music", "kept"), [("exact", 1.0), ("weak", 2.0)])
def test_a_scale_that_makes_all_takes_alike_is_refused_and_the_best_is_not(
    music: str, kept: float, request: pytest.FixtureRequest
) -> None:
    found = refusals(SCALES, spreads(request.getfixturevalue(music)), {})
    assert kept not in found
    assert {5.0, 7.0} <= set(found)


def test_the_spread_over_seeds_is_the_conditional_deviation(exact: Tensor) -> None:
    measured = spreads(exact)["track0"]
    assert measured[SCALES.index(1)] == pytest.approx(0.19**0.5, rel=0.05)
    assert measured[SCALES.index(0)] == pytest.approx(1.0, rel=0.05)

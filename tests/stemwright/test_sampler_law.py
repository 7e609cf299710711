"""Sampling with the exact denoiser of Gaussian tracks gives back their law, guided or not."""

from collections.abc import Iterable
from itertools import pairwise

import pytest
import torch
from gaussian_tracks import (
    AffineMap,
    GaussianTracks,
    affine_map,
    every_task,
    gaussian_tracks,
    square_root,
    worst_variance_error,
)
from torch import Tensor
from toy_sampling import CONDITIONAL, MIXED, SCHEDULE, generator, songs

from stemwright.sampler import sample
from stemwright.solver_name import SOLVERS, Solver
from stemwright.solvers import ddim_step, timestep_grid
from stemwright.tasks import Mode, Task, timestep_vector
from stemwright.text_embedding import TextEmbedding
from stemwright.tracks import TRACKS

LAST_SIGNAL = float(SCHEDULE.alpha_bar[-1]) ** 0.5


def maps(
    num_tracks: int, solver: Solver, num_steps: int, seed: int = 0, mode: Mode | None = None
) -> Iterable[tuple[GaussianTracks, Task, AffineMap]]:
    tracks = gaussian_tracks(num_tracks, seed)
    for task in every_task(tracks.tracks):
        if mode not in (None, task.mode):
            continue
        denoiser = tracks.denoiser(SCHEDULE, task)
        yield tracks, task, affine_map(denoiser, SCHEDULE, task, solver, num_steps)


def check_law(tracks: GaussianTracks, task: Task, made: AffineMap, tolerance: float) -> None:
    """The targets' law given the given tracks, in units of its own spread.

    A deterministic solver starts from N(0, I) where the forward process has √ᾱ_N of the signal left, so
    that √ᾱ_N·C^½ of the mean is lost, whatever the number of steps.
    """
    gain, offset, covariance = tracks.conditional(task.target_mask, task.given_mask)
    assert worst_variance_error(made.covariance, covariance) < tolerance, task
    left = torch.eye(len(covariance), dtype=torch.float64) - LAST_SIGNAL * square_root(covariance)
    units = square_root(covariance, torch.rsqrt)
    assert float((units @ (made.offset - left @ offset)).norm()) < 1e-3, task
    assert float((units @ (made.gain - left @ gain)).norm()) < 1e-3, task
    assert (made.absent_gain == 0).all(), task


@pytest.mark.parametrize("num_tracks", [3, 4])
@pytest.mark.parametrize(
    ("solver", "num_steps", "tolerance"),
    [("dpmpp_2m", 50, 0.02), ("dpmpp_2m", 25, 0.02), ("ddim", 200, 0.04)],
)
def test_every_task_gives_back_the_law_of_its_targets_given_the_given_tracks(
    num_tracks, solver, num_steps, tolerance
) -> None:
    tasks = 0
    for tracks, task, made in maps(num_tracks, solver, num_steps):
        check_law(tracks, task, made, tolerance)
        tasks += 1
    assert tasks == 3**num_tracks - 2**num_tracks


def test_the_law_is_given_back_whatever_the_tracks_are() -> None:
    for seed in (1, 2):
        for tracks, task, made in maps(3, "dpmpp_2m", 50, seed):
            check_law(tracks, task, made, tolerance=0.02)


def test_ancestral_sampling_gives_back_the_law_and_forgets_where_it_started() -> None:
    tracks = gaussian_tracks(3)
    names = tracks.tracks.names
    for task in (
        Task(names, tracks=tracks.tracks),
        Task(names[1:2], tracks=tracks.tracks),
        Task(names[:1], names[1:], tracks=tracks.tracks),
        Task(names[1:2], names[2:], tracks=tracks.tracks),
    ):
        denoiser = tracks.denoiser(SCHEDULE, task)
        few, many = (affine_map(denoiser, SCHEDULE, task, "ddpm", steps) for steps in (150, 300))
        gain, offset, covariance = tracks.conditional(task.target_mask, task.given_mask)
        errors = [worst_variance_error(each.covariance, covariance) for each in (few, many)]
        # even steps in time are coarse near t = 0: first order, 4 % at all 1000 steps
        assert errors[1] < 0.12
        assert errors[1] < 0.65 * errors[0]
        assert torch.allclose(many.offset, offset, atol=1e-3)
        assert torch.allclose(many.gain, gain, atol=1e-3)
        assert (many.absent_gain == 0).all()


def test_a_conditional_take_and_what_it_was_given_have_the_joint_law_together() -> None:
    for tracks, task, made in maps(4, "dpmpp_2m", 50, seed=2, mode="conditional"):
        targets, given = task.target_mask, task.given_mask
        heard = tracks.covariance[given][:, given]
        joint = torch.empty_like(tracks.covariance)
        joint[given[:, None] & given] = heard.flatten()
        joint[targets[:, None] & given] = (made.gain @ heard).flatten()
        joint[given[:, None] & targets] = (heard @ made.gain.T).flatten()
        joint[targets[:, None] & targets] = (made.covariance + made.gain @ heard @ made.gain.T).flatten()
        # the lost √ᾱ_N of the mean comes on top of the solver's error
        assert float((joint - tracks.covariance).norm() / tracks.covariance.norm()) < 0.04, task


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_seeded_sampler_is_that_affine_map(solver) -> None:
    tracks = gaussian_tracks(4, seed=1)
    names = tracks.tracks.names
    task = Task(names[:2], names[2:3], tracks=tracks.tracks)
    denoiser = tracks.denoiser(SCHEDULE, task)
    made = affine_map(denoiser, SCHEDULE, task, solver, 12)
    given = tracks.draw(16, 8, 256, generator(3))
    result = sample(denoiser, SCHEDULE, task, given, num_steps=12, solver=solver, generator=generator(4))
    mean = torch.einsum("tg,bgds->btds", made.gain, given[:, task.given_mask]) + made.offset[:, None, None]
    residual = (result[:, task.target_mask] - mean).movedim(1, 0).flatten(1)
    count = residual.shape[1]
    variance = made.covariance.diag()
    within = 4.5 / count**0.5
    assert (residual.mean(1).abs() < within * variance.sqrt()).all()
    deviation = (torch.outer(variance, variance) + made.covariance.square()).sqrt()
    assert (((residual @ residual.T) / count - made.covariance).abs() < within * deviation).all()
    heard = given[:, task.given_mask].movedim(1, 0).flatten(1)
    heard = heard - heard.mean(1, keepdim=True)
    together = torch.outer(variance, heard.square().mean(1)).sqrt()
    assert (((residual @ heard.T) / count).abs() < within * together).all()


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("task", [CONDITIONAL, MIXED])
def test_at_scale_zero_the_given_tracks_make_no_difference(solver, task) -> None:
    tracks = gaussian_tracks(4)
    task = _renamed(task, tracks)
    marginal = Task(task.targets, tracks=tracks.tracks)
    made = sample(
        tracks.denoiser(SCHEDULE, task),
        SCHEDULE,
        task,
        songs(),
        guidance_scale=0,
        num_steps=15,
        generator=generator(),
        solver=solver,
    )
    alone = sample(
        tracks.denoiser(SCHEDULE, marginal),
        SCHEDULE,
        marginal,
        songs(seed=5),
        num_steps=15,
        generator=generator(),
        solver=solver,
    )
    targets = task.target_mask
    assert torch.allclose(made[:, targets], alone[:, targets], atol=1e-5)


def test_at_scale_one_sampling_is_plain_conditional() -> None:
    tracks = gaussian_tracks(4)
    task = _renamed(CONDITIONAL, tracks)
    targets, given = task.target_mask, songs(dtype=torch.float64)
    made = sample(
        tracks.denoiser(SCHEDULE, task),
        SCHEDULE,
        task,
        given,
        guidance_scale=1,
        num_steps=15,
        generator=generator(),
        solver="ddim",
    )
    z = torch.randn(given.shape, generator=generator(), dtype=torch.float64)
    grid = timestep_grid(SCHEDULE, 15, "ddim")
    for t, s in pairwise(grid):
        heard = torch.where(targets[:, None, None], z, given)
        eps = torch.zeros_like(z)
        level = float(SCHEDULE.alpha_bar[t])
        eps[:, targets] = tracks.best_noise(heard, targets, task.given_mask, level)
        z = ddim_step(SCHEDULE, z, eps, t, s)
    assert torch.allclose(made[:, targets], z[:, targets], atol=1e-5)


@pytest.mark.parametrize("scale", [0.0, 0.4, 1.0, 3.0])
def test_guided_sampling_is_sampling_with_the_two_halves_mixed(scale) -> None:
    tracks = gaussian_tracks(4)
    task = _renamed(CONDITIONAL, tracks)
    marginal = Task(task.targets, tracks=tracks.tracks)
    exact = tracks.denoiser(SCHEDULE, task)

    def mixed(z: Tensor, t: Tensor, text: TextEmbedding | None) -> Tensor:
        level = t[:, task.target_mask][:, 0]
        return (1 - scale) * exact(
            z, timestep_vector(marginal.target_mask, marginal.given_mask, level, 1000), None
        ) + scale * exact(z, t, None)

    given = songs(dtype=torch.float64)
    guided = sample(exact, SCHEDULE, task, given, guidance_scale=scale, num_steps=10, generator=generator())
    by_hand = sample(mixed, SCHEDULE, task, given, num_steps=10, generator=generator())
    assert torch.allclose(guided, by_hand, atol=1e-9)


def test_a_scale_far_above_one_narrows_what_an_exact_denoiser_makes() -> None:
    tracks = gaussian_tracks(4)
    names = tracks.tracks.names
    task = Task(names[:1], names[1:], tracks=tracks.tracks)
    given = tracks.draw(1, 1, 1, generator(1)).expand(64, -1, 8, 32)
    made = [
        sample(
            tracks.denoiser(SCHEDULE, task),
            SCHEDULE,
            task,
            given,
            guidance_scale=scale,
            num_steps=25,
            generator=generator(),
        )
        for scale in (1, 7)
    ]
    assert float(made[1][:, 0].std()) < 0.6 * float(made[0][:, 0].std())


def _renamed(task: Task, tracks: GaussianTracks) -> Task:
    """The same slots under the names of `tracks`."""
    names = dict(zip(TRACKS.names, tracks.tracks.names, strict=True))
    return Task(
        tuple(names[name] for name in task.targets),
        tuple(names[name] for name in task.given),
        tracks=tracks.tracks,
    )

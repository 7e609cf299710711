"""Jointly Gaussian tracks and their best denoiser in closed form: the truth that samplers are held to.

Axes: B batch, K track, T target, G given track, D latent channel, S latent frame; every (d, s) is an
independent draw of K numbers.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

from stemwright.diffusion import NoiseSchedule
from stemwright.sampler import Denoiser, Sampling, run
from stemwright.solver_name import Solver
from stemwright.tasks import Task
from stemwright.tracks import Tracks


@dataclass(frozen=True, kw_only=True, slots=True)
class GaussianTracks:
    """Tracks z ~ N(mean, covariance) over K, alike in every channel and frame."""

    mean: Tensor
    """float64 [K]."""
    covariance: Tensor
    """float64 [K, K], positive definite."""

    @property
    def tracks(self) -> Tracks:
        names = tuple(f"track{k}" for k in range(len(self.mean)))
        return Tracks(names=names, prompt_names=names)

    def draw(self, batch: int, channels: int, frames: int, generator: torch.Generator) -> Tensor:
        """Songs, float64 [B, K, D, S]."""
        unit = torch.randn(batch, channels, frames, len(self.mean), generator=generator, dtype=torch.float64)
        return (self.mean + unit @ torch.linalg.cholesky(self.covariance).T).movedim(-1, 1)

    def conditional(self, targets: Tensor, given: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Law of some tracks given others, by masks [K]: gain [T, G], offset [T], covariance [T, T]."""
        between = self.covariance[targets][:, given]
        gain = torch.linalg.solve(self.covariance[given][:, given], between.T).T
        offset = self.mean[targets] - gain @ self.mean[given]
        return gain, offset, self.covariance[targets][:, targets] - gain @ between.T

    def best_noise(self, z: Tensor, targets: Tensor, given: Tensor, alpha_bar: float) -> Tensor:
        """E[ε | z] of the targets, [B, T, D, S], with targets at level `alpha_bar`, given clean.

        z_T given z_G is N(√ᾱ·m, ᾱ·C + (1 − ᾱ)·I), and E[ε | z_T] = √(1 − ᾱ)·(…)⁻¹·(z_T − √ᾱ·m).
        """
        return _best_noise(z, targets, given, self.conditional(targets, given), alpha_bar)

    def bayes_loss(self, targets: Tensor, given: Tensor, alpha_bar: float) -> float:
        """The least mean squared ε-error there is, per target element: 1 − (1 − ᾱ)·tr((…)⁻¹)/T."""
        covariance = self.conditional(targets, given)[2]
        eye = torch.eye(len(covariance), dtype=torch.float64)
        spread = alpha_bar * covariance + (1 - alpha_bar) * eye
        return float((eye - (1 - alpha_bar) * torch.linalg.inv(spread)).diag().mean())

    def denoiser(self, schedule: NoiseSchedule, task: Task) -> Denoiser:
        """The best ε for a task. Tracks that are not targets get NaN: nobody may look at them.

        Which tracks are heard is read from the timestep vector; which are targets is the task's, as a
        model reads it from the prefix: at t = N the vector alone cannot tell a target from an absent track.
        """
        targets, first_target = task.target_mask, int(task.target_mask.nonzero()[0])
        law = {}
        for heard in (task.given_mask, torch.zeros_like(targets)):
            law[tuple(heard.tolist())] = heard, self.conditional(targets, heard)

        def best(z: Tensor, t: Tensor, text: object) -> Tensor:
            eps = torch.full_like(z, torch.nan)
            for row in t[:1] if bool((t == t[0]).all()) else t.unique(dim=0):
                level = int(row[first_target])
                given, conditional = law[tuple((~targets & (row == 0)).tolist())]
                assert torch.equal(row, task_timesteps(targets, given, level, schedule.num_timesteps))
                takes = (t == row).all(1)
                estimate = _best_noise(
                    z[takes], targets, given, conditional, float(schedule.alpha_bar[level])
                )
                eps[takes[:, None] & targets] = estimate.flatten(0, 1).to(z.dtype)
            return eps

        return best


def _best_noise(
    z: Tensor, targets: Tensor, given: Tensor, law: tuple[Tensor, Tensor, Tensor], alpha_bar: float
) -> Tensor:
    gain, offset, covariance = law
    spread = alpha_bar * covariance + (1 - alpha_bar) * torch.eye(len(covariance), dtype=torch.float64)
    tracks = z.double().movedim(1, -1)
    residual = tracks[..., targets] - alpha_bar**0.5 * (tracks[..., given] @ gain.T + offset)
    return ((1 - alpha_bar) ** 0.5 * residual @ torch.linalg.inv(spread)).movedim(-1, 1)


def task_timesteps(targets: Tensor, given: Tensor, level: int, num_timesteps: int) -> Tensor:
    """Eq. 5, written down once more: targets at `level`, given tracks at 0, absent ones at N; [K]."""
    return level * targets.long() + num_timesteps * (~targets & ~given).long()


def gaussian_tracks(num_tracks: int, seed: int = 0, mean_scale: float = 1.0) -> GaussianTracks:
    """Tracks driven by two common factors, with unequal variances and means.

    No combination of tracks has a variance below 0.15, as normalised latents have it. A target much more
    certain than that loses 1 − ᾱ₁ over its variance in any first-order step from t = 1 to 0.
    """
    generator = torch.Generator().manual_seed(seed)
    factors = torch.randn(num_tracks, 2, generator=generator, dtype=torch.float64)
    mean = mean_scale * torch.randn(num_tracks, generator=generator, dtype=torch.float64)
    covariance = factors @ factors.T + 0.15 * torch.eye(num_tracks, dtype=torch.float64)
    return GaussianTracks(mean=mean, covariance=covariance)


def every_task(tracks: Tracks) -> list[Task]:
    """Each track target, given or absent, with at least one target: 3^K − 2^K tasks."""
    roles = product(("target", "given", "absent"), repeat=len(tracks))
    return [_task(tracks, each) for each in roles if "target" in each]


def _task(tracks: Tracks, roles: tuple[str, ...]) -> Task:
    named = list(zip(tracks.names, roles, strict=True))
    return Task(
        tuple(name for name, role in named if role == "target"),
        tuple(name for name, role in named if role == "given"),
        tracks=tracks,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class AffineMap:
    """What sampling is when the denoiser is linear: targets = gain · given + offset + N(0, covariance)."""

    gain: Tensor
    """[T, G]."""
    offset: Tensor
    """[T]."""
    covariance: Tensor
    """[T, T]."""
    absent_gain: Tensor
    """[T, K]: how far the absent tracks' noise comes through."""


class UnitDraws(Sampling):
    """A request in whose j-th take all random numbers are 0 but the j-th, which is 1."""

    _drawn = 0

    def _draw(self) -> Tensor:
        noise = torch.zeros_like(self._given)
        slots = torch.arange(noise.shape[1])
        noise[self._drawn + slots, slots] = 1
        self._drawn += len(slots)
        return noise


def affine_map(
    denoiser: Denoiser, schedule: NoiseSchedule, task: Task, solver: Solver, num_steps: int
) -> AffineMap:
    """The whole sampling run as one exact map, column by column, with no sampling noise.

    Takes: one for each random number, one for each track given as 1, one with zeros alone.
    """
    num_tracks = len(task.tracks)
    draws = num_tracks * (2 + (num_steps if solver == "ddpm" else 0))
    given = torch.zeros(draws + num_tracks + 1, num_tracks, 1, 1, dtype=torch.float64)
    given[draws:-1, :, 0, 0] = torch.eye(num_tracks, dtype=torch.float64)
    sampling = UnitDraws(schedule, task, given, num_steps=num_steps, solver=solver)
    result = run(denoiser, sampling)[:, task.target_mask, 0, 0]
    columns = (result[:-1] - result[-1]).T
    return AffineMap(
        gain=columns[:, draws:][:, task.given_mask],
        offset=result[-1],
        covariance=columns[:, :draws] @ columns[:, :draws].T,
        absent_gain=columns[:, num_tracks : 2 * num_tracks],
    )


def worst_variance_error(measured: Tensor, truth: Tensor) -> float:
    """Largest relative error of the variance of any linear combination of the tracks."""
    factor = torch.linalg.cholesky(truth)
    whitened = torch.linalg.solve_triangular(factor, measured, upper=False)
    whitened = torch.linalg.solve_triangular(factor, whitened.T, upper=False)
    return float((torch.linalg.eigvalsh(whitened) - 1).abs().max())


def square_root(matrix: Tensor, of: Callable[[Tensor], Tensor] = torch.sqrt) -> Tensor:
    """A function of a symmetric matrix, by its eigenvalues."""
    values, vectors = torch.linalg.eigh(matrix)
    return vectors @ of(values).diag() @ vectors.T

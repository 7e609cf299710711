"""Jointly Gaussian tracks that also hang together in time, and their best denoiser in closed form.

Axes: B batch, K track, S latent frame; one latent channel. Vectors over tracks and frames have K·S entries.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from stemwright.diffusion import NoiseSchedule
from stemwright.sampler import Denoiser


@dataclass(frozen=True, kw_only=True, slots=True)
class GaussianMusic:
    """z ~ N(mean, tracks ⊗ time)."""

    tracks: Tensor
    """float64 [K, K], positive definite."""
    time: Tensor
    """float64 [S, S], positive definite."""
    mean: Tensor
    """float64 [K, S]."""

    @property
    def covariance(self) -> Tensor:
        """[K·S, K·S]."""
        return torch.kron(self.tracks, self.time)

    def draw(self, batch: int, generator: torch.Generator) -> Tensor:
        """Songs, float64 [B, K, 1, S]."""
        unit = torch.randn(batch, self.mean.numel(), generator=generator, dtype=torch.float64)
        z = self.mean.flatten() + unit @ torch.linalg.cholesky(self.covariance).T
        return z.unflatten(1, self.mean.shape)[:, :, None]

    def given(self, known: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and covariance of the other entries where those of boolean `known` [K·S] have `values`."""
        between = self.covariance[~known][:, known]
        gain = torch.linalg.solve(self.covariance[known][:, known], between.T).T
        mean = self.mean.flatten()
        return (
            mean[~known] + gain @ (values - mean[known]),
            self.covariance[~known][:, ~known] - gain @ between.T,
        )

    def denoiser(self, schedule: NoiseSchedule) -> Denoiser:
        """The best ε for any timestep vector, by track or by frame; only tracks that are heard count.

        With z = A·z0 + B·ε, A and B diagonal, it is B·(A·Σ·A + B²)⁻¹·(z − A·mean). A track at N is taken as
        absent: with the schedule's ᾱ_N that is nearly the same.
        """

        def best(z: Tensor, t: Tensor, text: object) -> Tensor:
            steps = (t if t.ndim == 3 else t[..., None].expand(-1, -1, z.shape[-1])).flatten(1)
            rows = [self._best(one, row, schedule) for one, row in zip(z.flatten(1), steps, strict=True)]
            return torch.stack(rows).view_as(z)

        return best

    def _best(self, z: Tensor, t: Tensor, schedule: NoiseSchedule) -> Tensor:
        level = schedule.alpha_bar[t]
        signal, noise = level.sqrt(), (1 - level).sqrt()
        spread = signal[:, None] * self.covariance * signal + (noise**2).diag()
        return noise * torch.linalg.solve(spread, z.double() - signal * self.mean.flatten())


def gaussian_music(num_tracks: int, num_frames: int, seed: int = 0) -> GaussianMusic:
    """Correlated tracks whose frames follow one another as an autoregression does."""
    generator = torch.Generator().manual_seed(seed)
    factors = torch.randn(num_tracks, 2, generator=generator, dtype=torch.float64)
    frame = torch.arange(num_frames, dtype=torch.float64)
    return GaussianMusic(
        tracks=factors @ factors.T + 0.3 * torch.eye(num_tracks, dtype=torch.float64),
        time=0.8 ** (frame[:, None] - frame).abs(),
        mean=torch.randn(num_tracks, num_frames, generator=generator, dtype=torch.float64),
    )

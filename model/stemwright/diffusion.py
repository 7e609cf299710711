"""The forward process and the training loss (§3.1), for a timestep vector (§4.1).

Axes: B batch, K track, D latent channel, S latent frame; t is integer, 0 clean … N. A timestep vector is
[B, K], or [B, K, S] where some frames of a target are known: t = 0 there.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from stemwright.errors import InputError


@dataclass(frozen=True, slots=True)
class NoiseSchedule:
    """Cumulative signal levels ᾱ of Eq. 1, with a clean t = 0 before the usual N steps."""

    alpha_bar: Tensor
    """float64 [N+1], falling from exactly 1 at t = 0."""

    def __post_init__(self) -> None:
        alpha_bar = self.alpha_bar
        if alpha_bar.ndim != 1 or len(alpha_bar) < 2 or alpha_bar[0] != 1:
            raise InputError("alpha_bar must be a vector of at least two levels that begins with 1")
        if not bool((alpha_bar.diff() < 0).all()) or alpha_bar[-1] <= 0:
            raise InputError("alpha_bar must fall strictly and stay above 0")

    @classmethod
    def scaled_linear(
        cls, num_timesteps: int = 1000, beta_start: float = 0.0015, beta_end: float = 0.0195
    ) -> "NoiseSchedule":
        """β linear in its square root, as the latent diffusion lineage of JEN-1 has it."""
        beta = torch.linspace(beta_start**0.5, beta_end**0.5, num_timesteps, dtype=torch.float64) ** 2
        return cls(torch.cat([torch.ones(1, dtype=torch.float64), (1 - beta).cumprod(0)]))

    @property
    def num_timesteps(self) -> int:
        """N."""
        return len(self.alpha_bar) - 1

    def level(self, t: Tensor, like: Tensor) -> Tensor:
        """ᾱ at timesteps `[B, K]` or `[B, K, S]`, to go with latents: `[B, K, 1, 1 or S]`.

        In the dtype and on the device of `like`.
        """
        level = self.alpha_bar.to(like.device)[t].to(like.dtype)
        return level[:, :, None] if t.ndim == 3 else level[..., None, None]

    def add_noise(self, z0: Tensor, noise: Tensor, t: Tensor, absent: Tensor | None = None) -> Tensor:
        """Eq. 1 for latents `[B, K, D, S]` and a timestep vector, which makes Eq. 5.

        t = 0 returns `z0` itself. A target at N keeps its small ᾱ_N, so that x0 stays finite; a track
        marked in `absent` (boolean [B, K]) becomes `noise` itself, with nothing of `z0` in it.
        """
        alpha_bar = self.level(t, z0)
        z_t = alpha_bar.sqrt() * z0 + (1 - alpha_bar).sqrt() * noise
        return z_t if absent is None else torch.where(absent[..., None, None], noise, z_t)


def epsilon_loss_sum(
    eps: Tensor, noise: Tensor, loss_mask: Tensor, weight: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Eq. 2 as a sum over target elements, and how many there are.

    `eps, noise`: [B, K, D, S]; `loss_mask`: boolean, broadcastable to [B, K, 1, S], true at the frames of
    target tracks; `weight`: [B, K, 1, 1] or None. The caller divides by the count over the global batch.
    """
    mask = loss_mask.expand(*eps.shape[:2], 1, eps.shape[3])
    # where, not a product: a NaN in a masked channel must not reach the gradient
    error = torch.where(mask, eps - noise, 0.0).square()
    if weight is not None:
        error = error * weight
    return error.sum(), num_target_elements(loss_mask, noise)


def num_target_elements(loss_mask: Tensor, noise: Tensor) -> Tensor:
    """How many elements of ε [B, K, D, S] the mask, broadcastable to [B, K, 1, S], asks for."""
    return loss_mask.expand(*noise.shape[:2], 1, noise.shape[3]).sum() * noise.shape[2]

"""The random numbers of a training step, each sample's from a generator of its own.

Axes: B batch, K track, D latent channel, S latent frame.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from stemwright.batch import Batch
from stemwright.curriculum import Curriculum, sample_given
from stemwright.diffusion import NoiseSchedule
from stemwright.presets import TrainingConfig


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingDraw:
    """What each sample is asked to do."""

    target: Tensor
    """boolean [B, K]."""
    given: Tensor
    """boolean [B, K]."""
    t: Tensor
    """int64 [B], 1…N: the targets' timestep."""
    noise: Tensor
    """float32 [B, K, D, S]."""
    text_dropped: Tensor
    """boolean [B], true where the description is left out."""

    def loss_mask(self, frame_mask: Tensor | None) -> Tensor:
        """The real frames of the targets, boolean [B, K, 1, S or 1]."""
        mask = self.target[:, :, None, None]
        return mask if frame_mask is None else mask & frame_mask[:, None, None, :]


def draw(
    batch: Batch,
    curriculum: Curriculum,
    config: TrainingConfig,
    progress: float,
    schedule: NoiseSchedule,
    seed: int,
) -> TrainingDraw:
    """Tasks by the curriculum, contexts by p1, uniform timesteps (Eq. 2), Gaussian noise.

    A sample's draw depends on its id and the seed alone, not on its batch mates or its worker.
    """
    num_tracks = batch.presence.shape[1]
    uniform, noise = _per_sample(batch, seed, 3 + num_tracks + 2)
    presence = batch.presence.cpu()
    target = curriculum.sample_targets(progress, uniform[:, 0]) & presence
    # a song without the drawn tracks is asked for those it has
    target = torch.where(target.any(1, keepdim=True), target, presence)
    given = sample_given(target, config.p1, config.mixed_contexts, uniform[:, 3:]) & presence
    t = 1 + (uniform[:, 1] * schedule.num_timesteps).long()
    device = batch.latents.device
    return TrainingDraw(
        target=target.to(device),
        given=given.to(device),
        t=t.to(device),
        noise=noise.to(device),
        text_dropped=(uniform[:, 2] < config.text_dropout).to(device),
    )


def _per_sample(batch: Batch, seed: int, count: int) -> tuple[Tensor, Tensor]:
    """Uniform numbers [B, count] and noise like the latents, sample by sample."""
    generator = torch.Generator()
    uniform, noise = [], []
    for sample_id in batch.sample_ids.tolist():
        # an odd multiplier keeps the seeds of different runs apart
        generator.manual_seed((seed * 0x9E3779B97F4A7C15 + sample_id) % 2**63)
        uniform.append(torch.rand(count, generator=generator, dtype=torch.float64))
        noise.append(torch.randn(batch.latents.shape[1:], generator=generator))
    return torch.stack(uniform), torch.stack(noise)

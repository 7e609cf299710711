"""What a training step reads. Axes: B batch, K track, D latent channel, S latent frame."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Aligned windows of songs, as the codec made them (not yet normalised)."""

    latents: Tensor
    """[B, K, D, S], float16 as stored until `to` brings it to a device; zero where a track is missing and
    past a song's end."""
    presence: Tensor
    """boolean [B, K], false where the song lacks the track: never a target, always absent."""
    frame_mask: Tensor | None
    """boolean [B, S], false past a song's end; None where every frame is real."""
    prompts: tuple[str, ...]
    """B descriptions, without the task prefix."""
    sample_ids: Tensor
    """int64 [B], unique over the whole training run: seeds each sample's random numbers."""

    @property
    def num_frames(self) -> int:
        """S."""
        return self.latents.shape[-1]

    def head(self, size: int) -> "Batch":
        """The first samples alone."""
        return Batch(
            latents=self.latents[:size],
            presence=self.presence[:size],
            frame_mask=None if self.frame_mask is None else self.frame_mask[:size],
            prompts=self.prompts[:size],
            sample_ids=self.sample_ids[:size],
        )

    def to(self, device: torch.device | str) -> "Batch":
        """The batch on a device, latents in float32: half the bytes travel, and the device converts them."""
        return Batch(
            latents=self.latents.to(device).float(),
            presence=self.presence.to(device),
            frame_mask=None if self.frame_mask is None else self.frame_mask.to(device),
            prompts=self.prompts,
            sample_ids=self.sample_ids.to(device),
        )

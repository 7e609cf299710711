"""What a training step reads. Axes: B batch, K track, D latent channel, S latent frame."""

from collections.abc import Sequence
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

    def rows(self, index: Sequence[int]) -> "Batch":
        """Some of the samples, in this order."""
        rows = torch.tensor(index)
        return Batch(
            latents=self.latents[rows],
            presence=self.presence[rows],
            frame_mask=None if self.frame_mask is None else self.frame_mask[rows],
            prompts=tuple(self.prompts[i] for i in index),
            sample_ids=self.sample_ids[rows],
        )

    def part(self, rows: slice) -> "Batch":
        """Neighbouring samples, not copied."""
        return Batch(
            latents=self.latents[rows],
            presence=self.presence[rows],
            frame_mask=None if self.frame_mask is None else self.frame_mask[rows],
            prompts=self.prompts[rows],
            sample_ids=self.sample_ids[rows],
        )

    @classmethod
    def joined(cls, batches: Sequence["Batch"]) -> "Batch":
        """Batches of one length in a row."""
        masks = None
        if any(batch.frame_mask is not None for batch in batches):
            masks = torch.cat([batch.real_frames for batch in batches])
        return cls(
            latents=torch.cat([batch.latents for batch in batches]),
            presence=torch.cat([batch.presence for batch in batches]),
            frame_mask=masks,
            prompts=tuple(prompt for batch in batches for prompt in batch.prompts),
            sample_ids=torch.cat([batch.sample_ids for batch in batches]),
        )

    @property
    def real_frames(self) -> Tensor:
        """boolean [B, S], false past a song's end."""
        if self.frame_mask is not None:
            return self.frame_mask
        return torch.ones(len(self.prompts), self.num_frames, dtype=torch.bool, device=self.latents.device)

    def to(self, device: torch.device | str) -> "Batch":
        """The batch on a device, latents in float32: half the bytes travel, and the device converts them."""
        return Batch(
            latents=self.latents.to(device).float(),
            presence=self.presence.to(device),
            frame_mask=None if self.frame_mask is None else self.frame_mask.to(device),
            prompts=self.prompts,
            sample_ids=self.sample_ids.to(device),
        )

"""Stems to normalised latents and back, at a checkpoint's levels: what surrounds the denoiser.

Axes: K track, D latent channel, S latent frame, n audio sample.
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from stemwright.checkpoint import Checkpoint
from stemwright.codec import Codec
from stemwright.loudness import match_loudness
from stemwright.mixing import fitted, softened
from stemwright.tasks import Task

EDGE_S = 0.003
"""Fade at both ends of a take: a codec has no frames before the first and after the last to overlap with."""


class StemCoder:
    """A codec with the statistics, slots and levels of a checkpoint; needs no model weights."""

    def __init__(self, checkpoint: Checkpoint, codec: Codec) -> None:
        """InputError unless the codec is the checkpoint's own. The checkpoint's model is not kept."""
        checkpoint.check_codec(codec)
        self.codec, self.tracks = codec, checkpoint.tracks
        self.stats, self.origin = checkpoint.stats, checkpoint.origin

    def num_samples(self, duration_s: float) -> int:
        """Audio samples of a composition."""
        return round(duration_s * self.codec.sample_rate_hz)

    def num_frames(self, duration_s: float) -> int:
        """Latent frames of a composition: whole codec segments."""
        frames = math.ceil(self.num_samples(duration_s) / self.codec.hop)
        return math.ceil(frames / self.codec.segment_frames) * self.codec.segment_frames

    @torch.no_grad()
    def encode(self, given_audio: Mapping[str, Tensor], duration_s: float) -> Tensor:
        """Normalised latents `[1, K, D, S]` of stems `[2, n]`, brought to the training loudness first.

        Slots without audio hold no meaning.
        """
        mean = self.stats.mean
        latents = torch.zeros(1, *mean.shape, self.num_frames(duration_s), device=mean.device)
        for name, audio in given_audio.items():
            level = self.origin.loudness_lufs
            matched, _ = match_loudness(audio, self.codec.sample_rate_hz, target_lufs=level)
            whole = fitted(matched, latents.shape[-1] * self.codec.hop)
            latents[:, self.tracks.index(name)] = self.codec.encode(whole[None].to(latents.device))
        return self.stats.normalise(latents)

    @torch.no_grad()
    def decode(self, latents: Tensor, task: Task, duration_s: float) -> dict[str, Tensor]:
        """Audio `[2, n]` of the targets in normalised latents `[1, K, D, S]`, at the corpus's levels."""
        slots = [self.tracks.index(name) for name in task.targets]
        raw = self.stats.denormalise(latents)[0, slots]
        audio = self.codec.decode(raw)[..., : self.num_samples(duration_s)].cpu()
        audio = softened(audio, round(EDGE_S * self.codec.sample_rate_hz))
        gains = [10 ** (-self.origin.gains_db[slot] / 20) for slot in slots]
        return {name: audio[i] * gains[i] for i, name in enumerate(task.targets)}

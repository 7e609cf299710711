"""Self-bootstrapping (§4.3): given tracks that the averaged model made in place of recorded ones.

Axes: B batch, R tracks to make, K track, D latent channel, S latent frame.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import torch
from torch import Tensor

from stemwright.batch import Batch
from stemwright.diffusion import NoiseSchedule
from stemwright.presets import Preset
from stemwright.solvers import ddim_step, timestep_grid
from stemwright.tasks import prefix, task_prompt, timestep_vector
from stemwright.text_embedding import TextEmbedding, TextEncoder
from stemwright.training_draw import TEACHER, TrainingDraw, generators

Denoise = Callable[[Tensor, Tensor, TextEmbedding, Tensor | None], Tensor]
"""(z, t, text, frame_mask) → ε."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Substitutes:
    """Tracks to hear in place of recorded ones."""

    latents: Tensor
    """Normalised, [B, K, D, S]; means something where `made`."""
    made: Tensor
    """boolean [B, K]; given tracks that are not made stay as recorded."""
    age_steps: float = 0.0
    """Steps since the teacher had the weights that made them, in the mean."""


class Teacher(Protocol):
    """Where substitutes come from."""

    def substitutes(self, step: int, batch: Batch, z0: Tensor, drawn: TrainingDraw) -> Substitutes:
        """Those that there are of `drawn.substituted`. `z0`: the batch's normalised latents [B, K, D, S]."""
        ...


class InlineTeacher:
    """Makes every track that is asked for, here and now.

    Each track by itself, from noise of its own, by DDIM: given the sample's clean targets and its other
    given tracks. From the text alone it would not fit the target, and teach a model to ignore its context.
    """

    def __init__(self, denoise: Denoise, preset: Preset, text_encoder: TextEncoder, seed: int) -> None:
        self._denoise, self._tracks, self._text_encoder, self._seed = (
            denoise,
            preset.tracks,
            text_encoder,
            seed,
        )
        self._schedule: NoiseSchedule = preset.schedule.build()
        self._grid = timestep_grid(self._schedule, preset.training.teacher_steps, "ddim")

    @torch.no_grad()
    def substitutes(self, step: int, batch: Batch, z0: Tensor, drawn: TrainingDraw) -> Substitutes:
        """All of `drawn.substituted`."""
        made = drawn.substituted
        sample, track = made.nonzero(as_tuple=True)
        if not len(sample):
            return Substitutes(latents=z0, made=made)
        latents = torch.zeros_like(z0)
        latents[sample, track] = self._made(batch, z0, drawn, sample, track)
        return Substitutes(latents=latents, made=made)

    def _made(self, batch: Batch, z0: Tensor, drawn: TrainingDraw, sample: Tensor, track: Tensor) -> Tensor:
        """The tracks `track [R]` of the samples `sample [R]`, [R, D, S]."""
        target = torch.zeros(len(sample), z0.shape[1], dtype=torch.bool, device=z0.device)
        row = torch.arange(len(sample), device=z0.device)
        target[row, track] = True
        given = (drawn.target | drawn.given)[sample] & ~target
        text = self._text(batch, sample, target).to(z0.device, z0.dtype)
        frame_mask = None if batch.frame_mask is None else batch.frame_mask[sample]
        noise = self._noise(batch, sample, track).to(z0)
        heard, z = torch.where(given[..., None, None], z0[sample], noise), noise
        for t, s in pairwise(self._grid):
            z = torch.where(target[..., None, None], z, heard)
            steps = torch.full_like(sample, t)
            vector = timestep_vector(target, given, steps, self._schedule.num_timesteps)
            z = ddim_step(self._schedule, z, self._denoise(z, vector, text, frame_mask), t, s)
        made = z[row, track]
        return made if frame_mask is None else made * frame_mask[:, None]

    def _text(self, batch: Batch, sample: Tensor, target: Tensor) -> TextEmbedding:
        """Each track's own prefix before its song's description."""
        prompts = [batch.prompts[number] for number in sample.tolist()]
        return self._text_encoder(
            [
                task_prompt(prefix(mask, self._tracks), prompt)
                for mask, prompt in zip(target.cpu(), prompts, strict=True)
            ]
        )

    def _noise(self, batch: Batch, sample: Tensor, track: Tensor) -> Tensor:
        """[R, K, D, S], by sample and track: the same whoever else is asked for."""
        numbers = batch.sample_ids[sample] * len(self._tracks) + track
        shape = batch.latents.shape[1:]
        own = generators(self._seed, TEACHER, numbers)
        return torch.stack([torch.randn(shape, generator=generator) for generator in own])

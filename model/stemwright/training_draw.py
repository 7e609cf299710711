"""The random numbers of a training step, each sample's from generators of its own.

Axes: B batch, K track, D latent channel, S latent frame.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from stemwright.batch import Batch
from stemwright.curriculum import Curriculum, bootstrapping, p2_in_force, sample_given
from stemwright.presets import Preset
from stemwright.regions import UNIFORMS, sample_known

TASKS, NOISE, TEACHER = range(3)
"""Independent random streams of one seed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingDraw:
    """What each sample is asked to do."""

    target: Tensor
    """boolean [B, K]."""
    given: Tensor
    """boolean [B, K]."""
    t: Tensor
    """int64 [B], 1…N: the targets' timestep."""
    known: Tensor
    """boolean [B, S], true at the frames of the targets that are given."""
    text_dropped: Tensor
    """boolean [B], true where the description is left out."""
    bootstrapped: Tensor
    """boolean [B], true where the given tracks are to be the teacher's."""

    @property
    def known_frames(self) -> Tensor:
        """Frames of targets that are given, boolean [B, K, S]."""
        return self.target[:, :, None] & self.known[:, None]

    @property
    def substituted(self) -> Tensor:
        """Given tracks that are to be the teacher's, boolean [B, K]."""
        return self.given & self.bootstrapped[:, None]

    def loss_mask(self, frame_mask: Tensor | None) -> Tensor:
        """The real frames of the targets that are not known, boolean [B, K, 1, S]."""
        asked = ~self.known if frame_mask is None else ~self.known & frame_mask
        return self.target[:, :, None, None] & asked[:, None, None]

    def rows(self, rows: slice) -> "TrainingDraw":
        """Some of the samples."""
        return TrainingDraw(
            target=self.target[rows],
            given=self.given[rows],
            t=self.t[rows],
            known=self.known[rows],
            text_dropped=self.text_dropped[rows],
            bootstrapped=self.bootstrapped[rows],
        )

    def to(self, device: torch.device | str) -> "TrainingDraw":
        return TrainingDraw(
            target=self.target.to(device),
            given=self.given.to(device),
            t=self.t.to(device),
            known=self.known.to(device),
            text_dropped=self.text_dropped.to(device),
            bootstrapped=self.bootstrapped.to(device),
        )


class TrainingDraws:
    """What a run asks of its samples: a pure function of seed, sample and step.

    It depends neither on a sample's batch mates nor on its worker.
    """

    def __init__(self, preset: Preset, *, total_steps: int, steps_per_epoch: int, seed: int) -> None:
        self.config, self.num_timesteps = preset.training, preset.schedule.num_timesteps
        self.total_steps, self.steps_per_epoch, self.seed = total_steps, steps_per_epoch, seed
        self.curriculum = Curriculum(
            num_tracks=len(preset.tracks),
            path=self.config.curriculum,
            full_at=self.config.full_at,
            joint_opens_at=self.config.joint_opens_at,
        )

    def p2(self, step: int) -> float:
        """The probability of hearing the teacher at a step."""
        return p2_in_force(self.config.p2, self.config.p2_starts_at_epoch, step / self.steps_per_epoch)

    def draw(self, batch: Batch, step: int) -> TrainingDraw:
        """Tasks by the curriculum, contexts by p1, the teacher by p2, uniform timesteps (Eq. 2)."""
        num_tracks = batch.presence.shape[1]
        own = self._uniforms(batch, 4 + num_tracks + 2 + UNIFORMS)
        of_task, of_context, of_region = own[:, :4], own[:, 4:-UNIFORMS], own[:, -UNIFORMS:]
        presence = batch.presence.cpu()
        target = self.curriculum.sample_targets(step / self.total_steps, of_task[:, 0]) & presence
        # a song without the drawn tracks is asked for those it has
        target = torch.where(target.any(1, keepdim=True), target, presence)
        config = self.config
        given = sample_given(target, config.p1, config.mixed_contexts, of_context) & presence
        epoch = step / self.steps_per_epoch
        drawn = TrainingDraw(
            target=target,
            given=given,
            t=1 + (of_task[:, 1] * self.num_timesteps).long(),
            known=sample_known(_lengths(batch), batch.num_frames, config.region_probability, of_region),
            text_dropped=of_task[:, 2] < config.text_dropout,
            bootstrapped=bootstrapping(config.p2, config.p2_starts_at_epoch, epoch, of_task[:, 3]),
        )
        return drawn.to(batch.latents.device)

    def noise(self, batch: Batch) -> Tensor:
        """ε, float32 like the latents."""
        shape = batch.latents.shape[1:]
        noise = [torch.randn(shape, generator=own) for own in generators(self.seed, NOISE, batch.sample_ids)]
        return torch.stack(noise).to(batch.latents.device)

    def _uniforms(self, batch: Batch, count: int) -> Tensor:
        """Numbers in [0, 1), float64 [B, count]."""
        own = generators(self.seed, TASKS, batch.sample_ids)
        return torch.stack([torch.rand(count, generator=each, dtype=torch.float64) for each in own])


def generators(seed: int, stream: int, numbers: Tensor) -> Iterator[torch.Generator]:
    """A generator on the CPU for each of `numbers`; the next one invalidates it."""
    generator = torch.Generator()
    # only 32 bits of a seed count: a hashed offset keeps runs and streams apart, and numbers distinct
    offset = ((3 * seed + stream + 1) * 0x9E3779B97F4A7C15 % 2**64) >> 32
    for number in numbers.tolist():
        yield generator.manual_seed((offset + number) % 2**32)


def _lengths(batch: Batch) -> Tensor:
    """Real frames of each sample, int64 [B]."""
    if batch.frame_mask is None:
        return torch.full((len(batch.prompts),), batch.num_frames)
    return batch.frame_mask.sum(1).cpu()

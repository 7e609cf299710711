"""The work and the time of a whole training run, before any of it is done.

Axes: B batch, K track, S latent frame.
"""

from dataclasses import dataclass, replace
from statistics import mean

import numpy as np
import torch

from stemwright.batch import Batch
from stemwright.gpus import Gpu
from stemwright.presets import Preset
from stemwright.training_cost import window_flops
from stemwright.training_draw import TrainingDraws

SAMPLED_STEPS, SAMPLED_WINDOWS = 256, 32
"""How much of a run is drawn to see how often the teacher is asked."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingForecast:
    """A run as far as its length goes."""

    preset: Preset
    """Fitted."""
    lengths: tuple[int, ...]
    """S of the windows, in frames; a step takes one of them, each as likely."""
    steps: int
    workers: int
    steps_per_epoch: int
    inline_teacher: bool = True
    """Whether the workers make p2's tracks themselves, rather than actors on other GPUs."""

    @property
    def epochs(self) -> float:
        return self.steps / self.steps_per_epoch

    @property
    def learning_flops(self) -> float:
        """FLOPs of a worker's step in the mean over the lengths, those of recomputing included."""
        work = mean(window_flops(self.preset, length).training for length in self.lengths)
        return self.preset.training.batch_size * work

    def teacher_flops(self) -> float:
        """FLOPs that a worker's step adds for p2, in the mean over the run."""
        config = self.preset.training
        if not self.inline_teacher or not config.p2:
            return 0.0
        forward = mean(window_flops(self.preset, length).forward for length in self.lengths)
        return config.batch_size * config.teacher_steps * forward * self.tracks_made()

    def tracks_made(self) -> float:
        """Tracks that the teacher is asked for a window: the run's mean, where songs have all tracks."""
        draws = TrainingDraws(
            self.preset, total_steps=self.steps, steps_per_epoch=self.steps_per_epoch, seed=0
        )
        steps = np.linspace(0, self.steps - 1, SAMPLED_STEPS).astype(int).tolist()
        asked = [
            int(draws.draw(_windows(self.preset, number), step).substituted.sum())
            for number, step in enumerate(steps)
        ]
        return mean(asked) / SAMPLED_WINDOWS

    def step_s(self, gpu: Gpu, mfu: float) -> float:
        """Seconds of a step in the mean, the products alone counted, at a share of the GPU's peak."""
        return (self.learning_flops + self.teacher_flops()) / (mfu * gpu.bf16_flops)

    def within(self, seconds: float, gpu: Gpu, mfu: float) -> "TrainingForecast":
        """The run with as many steps as fit into its time."""
        found = self
        for _ in range(2):  # how often the teacher is asked depends on the length
            found = replace(found, steps=max(1, int(seconds / found.step_s(gpu, mfu))))
        return found


def _windows(preset: Preset, number: int) -> Batch:
    """Windows of nothing, to draw tasks for."""
    ids = torch.arange(SAMPLED_WINDOWS) + number * SAMPLED_WINDOWS
    return Batch(
        latents=torch.empty(SAMPLED_WINDOWS, len(preset.tracks), 1, preset.model.stride),
        presence=torch.ones(SAMPLED_WINDOWS, len(preset.tracks), dtype=torch.bool),
        frame_mask=None,
        prompts=("",) * SAMPLED_WINDOWS,
        sample_ids=ids,
    )

"""Held-out ε-loss with the averaged weights under fixed tasks, noise and timesteps."""

from collections.abc import Iterable
from dataclasses import replace

import torch

from stemwright.batch import Batch
from stemwright.learner import Learner
from stemwright.loss_table import LossTable
from stemwright.training_draw import TrainingDraws

VALIDATION_SEED = 7919
"""Of the fixed draws: the same whatever the run's own seed, so that runs compare."""


def validate(learner: Learner, batches: Iterable[Batch], rounds: int = 1) -> LossTable:
    """Errors on `batches`, each seen `rounds` times, every target set alike and t spread evenly over 1…N."""
    table = LossTable(learner.schedule)
    preset = replace(learner.preset, training=replace(learner.config, p2=0.0, region_probability=0.0))
    for loaded in batches:
        batch = loaded.to(learner.device)
        for round_ in range(rounds):
            seed = VALIDATION_SEED + round_
            draws = TrainingDraws(preset, total_steps=1, steps_per_epoch=1, seed=seed)
            drawn = replace(draws.draw(batch, step=1), t=_even_timesteps(batch, learner, seed))
            table.add(learner.evaluate(batch, drawn, draws.noise(batch)))
    return table


def _even_timesteps(batch: Batch, learner: Learner, seed: int) -> torch.Tensor:
    """One timestep a sample, one in each of B equal spans of 1…N, in an order of its own."""
    generator = torch.Generator().manual_seed(seed + int(batch.sample_ids[0]))
    size = len(batch.prompts)
    span = (torch.randperm(size, generator=generator) + torch.rand(size, generator=generator)) / size
    t = 1 + (span * learner.schedule.num_timesteps).long().clamp(max=learner.schedule.num_timesteps - 1)
    return t.to(learner.device)

"""Held-out ε-loss with the averaged weights under fixed tasks, noise and timesteps.

Axes: B batch, K track, S latent frame.
"""

from collections.abc import Iterable, Sequence

import torch

from stemwright.batch import Batch
from stemwright.learner import Learner
from stemwright.loss_table import LossTable
from stemwright.presets import Preset
from stemwright.training_draw import TrainingDraw, TrainingDraws
from stemwright.validation_design import Cell, design_of, region_design_of

VALIDATION_SEED = 7919
"""Of the fixed noise: the same whatever the run's own seed, so that runs compare."""


def validate(
    learner: Learner, batches: Iterable[Batch], rounds: int = 1, *, judge: Preset | None = None
) -> LossTable:
    """Errors on every cell of a preset's design, each put to its window, of windows of one length.

    `rounds`: as often, with other windows and noise. `judge`: the preset that says what is asked; the
    learner's own by default. Empty where there are no windows.
    """
    return _asked(learner, list(batches), design_of(judge or learner.preset), rounds)


def validate_regions(
    learner: Learner, batches: Iterable[Batch], rounds: int = 1, *, judge: Preset | None = None
) -> LossTable:
    """The same for parts of the targets; empty where the learner's preset or the judge's has none."""
    if not learner.config.region_probability:
        return LossTable(learner.schedule)
    return _asked(learner, list(batches), region_design_of(judge or learner.preset), rounds)


def _asked(learner: Learner, batches: Sequence[Batch], design: Sequence[Cell], rounds: int) -> LossTable:
    table = LossTable(learner.schedule)
    if not batches:
        return table
    windows, size = Batch.joined(batches), len(batches[0].prompts)
    for turn in range(rounds):
        draws = TrainingDraws(learner.preset, total_steps=1, steps_per_epoch=1, seed=VALIDATION_SEED + turn)
        for start in range(0, len(design), size):
            cells = design[start : start + size]
            batch = windows.rows([(cell.window + turn) % len(windows.prompts) for cell in cells])
            drawn = draw_cells(batch, cells, learner.schedule.num_timesteps)
            made = learner.evaluate(batch.to(learner.device), drawn, draws.noise(batch))
            table.add(made, [cell.weight for cell in cells])
    return table


def draw_cells(batch: Batch, cells: Sequence[Cell], num_timesteps: int) -> TrainingDraw:
    """The draw that puts a cell to each window: prompts are whole, no track is the teacher's."""
    target, given = torch.zeros_like(batch.presence), torch.zeros_like(batch.presence)
    known = torch.zeros(len(cells), batch.num_frames, dtype=torch.bool)
    for row, cell in enumerate(cells):
        present = tuple(batch.presence[row].nonzero().flatten().tolist())
        asked = cell.targets(present)
        target[row, list(asked)] = True
        given[row, list(cell.given(present, asked))] = True
        known[row] = cell.region is not None
        known[row, cell.frames(int(batch.real_frames[row].sum()))] = False
    none = torch.zeros(len(cells), dtype=torch.bool)
    t = torch.tensor([cell.timestep(num_timesteps) for cell in cells])
    return TrainingDraw(target=target, given=given, t=t, known=known, text_dropped=none, bootstrapped=none)

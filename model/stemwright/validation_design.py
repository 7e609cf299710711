"""What a validation asks: every kind of task at every noise level, laid out over the held-out windows.

A design has no chance in it but one fixed permutation: two runs, or two checkpoints, are asked exactly the
same. Contexts are asked about the same targets, windows and timesteps, so that they compare.

Axes: B batch, K track, S latent frame.
"""

from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

import torch

from stemwright.loss_table import BAND_EDGES
from stemwright.presets import Preset
from stemwright.tasks import Mode

Region = Literal["continuation", "beginning", "gap"]
REGIONS: tuple[Region, ...] = ("continuation", "beginning", "gap")
"""What is asked for: the second half of the window, the first, or the middle."""
NUM_BANDS = len(BAND_EDGES) - 1
GOLDEN = 0.618
"""Multiples of it, modulo 1, are spread evenly."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One question."""

    window: int
    """Which window it is put to; counted round where there are fewer."""

    num_targets: int
    """k."""
    mode: Mode
    """Context."""
    band: int
    """Timestep band, 0 the cleanest."""
    place: float
    """Where in the band the timestep lies, 0…1."""
    turn: int
    """Which of the target sets of this size."""
    region: Region | None = None
    """Which part of the targets is asked for; None: all of it."""

    @property
    def weight(self) -> float:
        """The band's share of 1…N, so that means are those over even timesteps; 1 on average."""
        return (BAND_EDGES[self.band + 1] - BAND_EDGES[self.band]) * NUM_BANDS

    def timestep(self, num_timesteps: int) -> int:
        """t of the targets, in 1…N and in the band."""
        low, high = (round(edge * num_timesteps) for edge in BAND_EDGES[self.band : self.band + 2])
        return min(low + 1 + int(self.place * (high - low)), max(high, 1), num_timesteps)

    def targets(self, present: tuple[int, ...]) -> tuple[int, ...]:
        """Tracks to ask for, of those that a song has; all of them where they are too few."""
        sets = list(combinations(present, min(self.num_targets, len(present))))
        return sets[self.turn % len(sets)]

    def given(self, present: tuple[int, ...], targets: tuple[int, ...]) -> tuple[int, ...]:
        """Tracks that are given beside the targets."""
        rest = tuple(track for track in present if track not in targets)
        if self.mode == "conditional":
            return rest
        if self.mode == "mixed":
            parts = [part for size in range(1, len(rest)) for part in combinations(rest, size)]
            return parts[self.turn % len(parts)] if parts else ()
        return ()

    def frames(self, num_frames: int) -> slice:
        """Which are asked for, of a song's `num_frames`; the others are given."""
        quarter = num_frames // 4
        spans: dict[Region | None, slice] = {
            "continuation": slice(num_frames // 2, num_frames),
            "beginning": slice(0, num_frames // 2),
            "gap": slice(quarter, num_frames - quarter),
        }
        return spans.get(self.region, slice(0, num_frames))


def design_of(preset: Preset) -> list[Cell]:
    """Each kind of task that the preset trains, by number of targets and context, once in each band."""
    num_tracks, config = len(preset.tracks), preset.training
    sizes = [num_tracks] if config.curriculum == "joint" else range(1, num_tracks + 1)
    cells = [
        _cell(size, mode, band)
        for size in sizes
        for mode in _modes(size, num_tracks, config.mixed_contexts)
        for band in range(NUM_BANDS)
    ]
    return _laid_out(cells)


def region_design_of(preset: Preset) -> list[Cell]:
    """A part of the targets in each band, one track and all tracks in turn; nothing where none is trained."""
    if not preset.training.region_probability:
        return []
    sizes: tuple[tuple[int, Mode], ...] = ((1, "conditional"), (len(preset.tracks), "joint"))
    cells = [_cell(*sizes[band % 2], band, REGIONS[(band // 2) % len(REGIONS)]) for band in range(NUM_BANDS)]
    return _laid_out(cells)


def _modes(size: int, num_tracks: int, mixed: bool) -> tuple[Mode, ...]:
    if size == num_tracks:
        return ("joint",)
    return (
        ("conditional", "marginal", "mixed")
        if mixed and num_tracks - size > 1
        else ("conditional", "marginal")
    )


def _cell(size: int, mode: Mode, band: int, region: Region | None = None) -> Cell:
    place = (GOLDEN * (size + band)) % 1
    return Cell(num_targets=size, mode=mode, band=band, place=place, turn=band, region=region, window=0)


def _laid_out(cells: list[Cell]) -> list[Cell]:
    """Over the windows in one fixed order; contexts of the same size and band share a window."""
    groups = sorted({(cell.num_targets, cell.band) for cell in cells})
    order = torch.randperm(len(groups), generator=torch.Generator().manual_seed(len(groups))).tolist()
    windows = dict(zip(groups, order, strict=True))
    return [replace(cell, window=windows[cell.num_targets, cell.band]) for cell in cells]

"""The stages of a run, drawn from its preset before the first step: what is trained when, and how often."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stemwright.presets import Preset
from stemwright_platform.picture_style import (
    ACCENT,
    GROUND,
    HAIR,
    INK,
    MODE_COLOURS,
    REGION_COLOUR,
    SOFT,
    dress,
    new_figure,
    save,
    size_colours,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POINTS = 201
MIN_LABEL_SHARE = 0.045
"""Thinner areas have no room for their name."""
LATEST_LABEL = 0.4
"""A bar that starts after this share of the run has no room for its name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Strip:
    """A probability that is not of the number of targets: a bar below the areas."""

    text: str
    """What it is."""
    probability: float
    """While it is in force."""
    starts_at: float = 0.0
    """Progress of the run from which it is; 1 and more is never."""
    colour: str = ACCENT


def draw_curriculum(
    preset: Preset, path: Path, *, steps: int | None = None, epochs: float | None = None
) -> Path:
    """Write a PNG. `steps`, `epochs`: length of the run where it is known; p2 starts at an epoch."""
    strips = strips_of(preset, epochs)
    figure = new_figure(
        10, 4.6 + 0.34 * len(strips), f"Curriculum of preset {preset.name}", _length(steps, epochs)
    )
    areas, bars = figure.subplots(2, 1, sharex=True, height_ratios=[4, 0.34 * len(strips) + 0.2])
    _draw_areas(areas, preset)
    _draw_strips(bars, strips)
    _label_steps(bars, steps)
    return save(figure, path)


def shares_by_size(preset: Preset, progress: np.ndarray) -> np.ndarray:
    """Probability of each number of targets, [K, points]."""
    from stemwright.training_draw import TrainingDraws
    from stemwright.training_loop import size_probabilities

    curriculum = TrainingDraws(preset, total_steps=1, steps_per_epoch=1, seed=0).curriculum
    rows = [list(size_probabilities(curriculum, float(at)).values()) for at in progress]
    return np.asarray(rows).T


def strips_of(preset: Preset, epochs: float | None) -> list[Strip]:
    """The other probabilities of a preset; those that are 0 are left out."""
    config = preset.training
    epoch = config.p2_starts_at_epoch
    mixed = ", half of them in part" if config.mixed_contexts else ""
    starts_at = epoch / epochs if epochs else 0.0
    late = "" if starts_at < 1 else ", after this run's end"
    candidates = [
        Strip(
            text=f"p1 = {config.p1:g}: the other tracks are given{mixed}, else absent",
            probability=config.p1,
            colour=MODE_COLOURS["conditional"],
        ),
        Strip(
            text=f"p2 = {config.p2:g} from epoch {epoch:g}{late}: given tracks are the teacher's",
            probability=config.p2,
            starts_at=starts_at,
            colour=MODE_COLOURS["joint"],
        ),
        Strip(
            text=f"{config.region_probability:g}: a part of the targets is given (regions)",
            probability=config.region_probability,
            colour=REGION_COLOUR,
        ),
        Strip(
            text=f"{config.text_dropout:g}: the description is left out",
            probability=config.text_dropout,
            colour=SOFT,
        ),
    ]
    return [strip for strip in candidates if strip.probability > 0]


def _draw_areas(axes: "Axes", preset: Preset) -> None:
    progress = np.linspace(0, 1, POINTS)
    shares = shares_by_size(preset, progress)
    count = len(shares)
    axes.stackplot(progress, shares, colors=size_colours(count), edgecolor=GROUND, linewidth=1.2)
    below = np.zeros(POINTS)
    for k, share in enumerate(shares, 1):
        place = _roomiest(share, k)
        if share[place] >= MIN_LABEL_SHARE:
            name = f"{k} target{'s' if k > 1 else ''}" + (" (joint)" if k == count else "")
            text = f"{name}  {share[0]:.0%} → {share[-1]:.0%}" if k in (1, count) else name
            colour = INK if k <= count / 2 else "white"
            axes.text(
                progress[place], below[place] + share[place] / 2, text,
                ha="center", va="center", color=colour, fontsize=10,
            )  # fmt: skip
        below += share
    dress(axes, y="probability of a task")
    axes.set(xlim=(0, 1), ylim=(0, 1), yticks=np.linspace(0, 1, 5))


def _roomiest(share: np.ndarray, k: int) -> int:
    """Where an area is named: well inside, the first at the left, the others where they have opened."""
    low, high = (0.12, 0.3) if k == 1 else (0.62, 0.86)
    span = slice(int(low * POINTS), int(high * POINTS))
    return span.start + int(np.argmax(share[span]))


def _draw_strips(axes: "Axes", strips: list[Strip]) -> None:
    for row, strip in enumerate(strips):
        axes.barh(row, 1, height=0.78, color=HAIR, alpha=0.5)
        start = min(strip.starts_at, 1.0)
        axes.barh(
            row, 1 - start, left=start, height=0.78, color=strip.colour, alpha=0.12 + 0.45 * strip.probability
        )
        if 0 < start < 1:
            axes.plot([start, start], [row - 0.39, row + 0.39], color=strip.colour, linewidth=2)
        place = start if start < LATEST_LABEL else 0.0
        axes.text(place + 0.012, row, strip.text, va="center", ha="left", fontsize=9, color=INK)
    dress(axes, x="share of the run")
    axes.set(ylim=(len(strips) - 0.45, -0.55), yticks=[])
    axes.grid(False)


def _label_steps(axes: "Axes", steps: int | None) -> None:
    """Steps under the shares, where the length is known."""
    ticks = np.linspace(0, 1, 6)
    axes.set_xticks(ticks, [f"{at:.0%}" + (f"\nstep {round(at * steps):,}" if steps else "") for at in ticks])


def _length(steps: int | None, epochs: float | None) -> str:
    parts = [
        f"{steps:,} steps" if steps else "",
        f"{epochs:,.4g} epochs" if epochs else "",
    ]
    known = ", ".join(part for part in parts if part)
    return f"{known}. " * bool(known) + "Tasks come with these probabilities, whatever the model has learned."

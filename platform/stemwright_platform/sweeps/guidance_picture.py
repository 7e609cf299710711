"""The λ curve: what guidance gains, split by split, and what it costs.

Axes: Q guidance scale.
"""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stemwright_platform.evaluation.report.wording import task_label
from stemwright_platform.picture_style import (
    ACCENT,
    GROUND,
    HAIR,
    INK,
    SECOND,
    SOFT,
    dress,
    key,
    new_figure,
    save,
)
from stemwright_platform.sweeps.guidance_choice import COLLAPSED, LOUD_DB
from stemwright_platform.sweeps.guidance_findings import Findings
from stemwright_platform.sweeps.guidance_line import Line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CEILING_COLOUR, FLOOR_COLOUR = "#18866f", "#8a8f9c"
SPLIT_COLOURS = ("#0072b2", "#d55e00", "#008f68", "#c48a00", "#b0508a", "#5b4bb5", "#56868f")
"""After Okabe and Ito."""
MOST_PANELS = 4
"""Splits side by side; more of them share panels by row."""


def draw_guidance(findings: Findings, path: Path) -> Path:
    """Write a PNG: the mean over splits, each split, then the spread over seeds, the level, the distance."""
    splits = findings.splits
    columns = min(MOST_PANELS, max(len(splits), 1))
    rows = -(-len(splits) // columns)
    figure = new_figure(
        13, 4.1 + 2.5 * rows + 2.6, "What guidance gains, and what it costs", _about(findings)
    )
    parts: Any = figure.subfigures(3, 1, height_ratios=[3.6, 2.5 * rows, 2.6])
    for part in parts:
        part.set_facecolor(GROUND)
    top, middle, bottom = parts
    _draw_overall(top.subplots(), findings)
    panels = np.atleast_1d(middle.subplots(rows, columns, sharey=True, squeeze=False)).ravel()
    for number, axes in enumerate(panels):
        if number < len(splits):
            _draw_split(axes, findings, number)
        else:
            axes.set_axis_off()
    _draw_costs(bottom.subplots(1, 3), findings)
    return save(figure, path)


def _about(findings: Findings) -> str:
    unit = (
        f"{_capital(findings.label)}: share of the way from strangers' stems (0) to {_real(findings)} (1)"
        if findings.is_share
        else f"{findings.label}, better {'high' if findings.better == 'higher' else 'low'}"
    )
    takes = f"{findings.takes} takes each" if findings.takes > 1 else "one take each"
    return f"{unit}; {findings.clips} clips, {takes}, the same at every λ; bars: 95 % over clips"


def _real(findings: Findings) -> str:
    return "real stems" if findings.ceiling == "real" else "real stems through the codec"


def _draw_overall(axes: "Axes", findings: Findings) -> None:
    _draw_bounds(axes, _averaged(findings))
    _draw_line(axes, findings, findings.overall, ACCENT, "mean over splits")
    for number, (task, line) in enumerate(findings.flat.items()):
        style = (0, (4, 2 + number))
        axes.axhline(
            line.values[0], color=SECOND, linewidth=1.2, linestyle=style, label=f"{task}, whatever λ"
        )
    _mark_choice(axes, findings)
    _finish(axes, findings, "All splits", room=0.03)
    key(axes, columns=3)


def _draw_split(axes: "Axes", findings: Findings, number: int) -> None:
    curve = findings.splits[number]
    if curve.bounds is not None:
        _draw_bounds(axes, curve.bounds)
    _draw_line(axes, findings, curve.line, _colour(number))
    _mark_choice(axes, findings, named=False)
    _finish(axes, findings, _capital(task_label(curve.task)), room=0.1)


def _draw_line(axes: "Axes", findings: Findings, line: Line, colour: str, label: str | None = None) -> None:
    low, high = line.interval()
    bars = np.nan_to_num(np.stack([line.values - low, high - line.values]).clip(min=0))
    axes.errorbar(
        findings.scales, line.values, bars, color=colour, linewidth=2, marker="o", markersize=5,
        elinewidth=1.2, capsize=3, label=label, zorder=3,
    )  # fmt: skip


def _draw_bounds(axes: "Axes", bounds: tuple[Line, Line] | None) -> None:
    """Floor and ceiling as bands of their 95 %."""
    if bounds is None:
        return
    names = ("strangers' stems", "real stems")
    for line, colour, name in zip(bounds, (FLOOR_COLOUR, CEILING_COLOUR), names, strict=True):
        (low,), (high,) = line.interval()
        if math.isfinite(low):
            axes.axhspan(low, high, color=colour, alpha=0.16, linewidth=0, label=name)
        axes.axhline(float(line.values[0]), color=colour, linewidth=1)


def _averaged(findings: Findings) -> tuple[Line, Line] | None:
    from stemwright_platform.sweeps.guidance_line import average

    known = [curve.bounds for curve in findings.splits if curve.bounds is not None]
    return (average([low for low, _ in known]), average([high for _, high in known])) if known else None


def _mark_choice(axes: "Axes", findings: Findings, named: bool = True) -> None:
    choice = findings.choice
    if choice is None:
        return
    label = f"chosen: λ = {choice.scale:g}" if named else None
    axes.axvline(choice.scale, color=INK, linewidth=1.3, linestyle=(0, (1, 2)), label=label)
    refused = [scale for scale in findings.scales if scale in choice.refused]
    if refused:
        values = findings.overall.values[[findings.scales.index(scale) for scale in refused]]
        if named:
            axes.plot(
                refused,
                values,
                linestyle="none",
                marker="x",
                markersize=11,
                color=INK,
                label="refused",
                zorder=4,
            )


def _draw_costs(panels: "np.ndarray", findings: Findings) -> None:
    spread, level, distance = panels
    for number, curve in enumerate(findings.splits):
        style = {"color": _colour(number), "linewidth": 1.7, "marker": "o", "markersize": 4}
        if curve.task in findings.spreads and findings.takes > 1:
            spread.plot(
                findings.scales, findings.relative_spread(curve.task), label=task_label(curve.task), **style
            )
        if curve.task in findings.levels_db:
            level.plot(findings.scales, findings.levels_db[curve.task], **style)
    spread.axhline(COLLAPSED, color=INK, linewidth=1, linestyle=(0, (1, 2)))
    spread.set_ylim(bottom=0)
    dress(spread, "Spread over seeds, against λ = 1", x="λ", size=8.5)
    level.axhspan(-LOUD_DB, LOUD_DB, color=HAIR, alpha=0.45, linewidth=0)
    dress(level, "Level against the real tracks, dB", x="λ", size=8.5)
    if findings.frechet is None:
        distance.set_axis_off()
    else:
        _draw_line(distance, findings, findings.frechet, SOFT)
        dress(distance, "Fréchet distance of the mixes to the real ones", x="λ", size=8.5)
        distance.set_ylim(bottom=0)
    for axes in panels:
        _ticks(axes, findings)


def _finish(axes: "Axes", findings: Findings, title: str, room: float) -> None:
    dress(axes, title, x="λ", size=9)
    _ticks(axes, findings, room)


def _ticks(axes: "Axes", findings: Findings, room: float = 0.07) -> None:
    """A tick at each λ, named where names do not run into each other."""
    named: list[float] = []
    least = room * (findings.scales[-1] - findings.scales[0])
    for scale in sorted(findings.scales, key=lambda scale: (scale % 1 != 0, scale)):
        if all(abs(scale - other) >= least for other in named):
            named.append(scale)
    axes.set_xticks(findings.scales, [f"{s:g}" if s in named else "" for s in findings.scales])


def _colour(number: int) -> str:
    return SPLIT_COLOURS[number % len(SPLIT_COLOURS)]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]

"""A sweep's pictures: a map over two fields for each kind of task, and the score against each field."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stemwright_platform.picture_style import ACCENT, GROUND, INK, SECOND, SOFT, dress, new_figure, save
from stemwright_platform.sweeps.setting import short, shown
from stemwright_platform.sweeps.summary import SURE, Summary, summarise
from stemwright_platform.sweeps.trial_result import MODES, TrialResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap, Normalize

MOST_TICKS = 12
"""A field with more values is drawn to scale."""
LEAST_INTERVALS = 2.0
"""That the colours of a map span at least."""


def draw_map(
    results: Sequence[TrialResult], kind: str, rows: str, columns: str, path: Path, title: str
) -> Path:
    """Write a PNG: a panel for all tasks and one for each context, cells of mean and interval.

    `kind`: "ratio" or "loss"; `rows`, `columns`: the two fields.
    """
    scores = [kind, *(f"{kind}.{mode}" for mode in MODES)]
    scores = [score for score in scores if any(score in result.scores for result in results)]
    down, across = levels(results, rows), levels(results, columns)
    wide = min(len(scores), 3)
    high = -(-len(scores) // wide)
    about = "Held-out error, lower is better. Framed: the lowest. Dotted: not told from it (Tukey, p ≥ 0.05)."
    width = wide * max(2.9, 0.95 * len(across) + 1.1)
    figure = new_figure(width, 1.0 + high * (0.62 * len(down) + 1.25), title, about)
    panels = np.atleast_1d(figure.subplots(high, wide)).ravel()
    for axes, score in zip(panels, scores, strict=False):
        _draw_panel(axes, summarise(results, score, (rows, columns)), rows, columns, down, across)
    for axes in panels[len(scores) :]:
        axes.set_axis_off()
    return save(figure, path)


def levels(results: Sequence[TrialResult], field: str) -> list[Any]:
    """The values that a field has, in order where they have one."""
    values = list(dict.fromkeys(result.setting[field] for result in results))
    return sorted(values) if all(isinstance(value, int | float) for value in values) else values


def _draw_panel(
    axes: "Axes", summary: Summary, rows: str, columns: str, down: list[Any], across: list[Any]
) -> None:
    values = np.full((len(down), len(across)), np.nan)
    for cell in summary.cells:
        values[down.index(cell.setting[rows]), across.index(cell.setting[columns])] = cell.mean
    _, _, mode = summary.score.partition(".")
    colours, scale = _scale(values, summary)
    axes.imshow(values, cmap=colours, norm=scale, aspect="auto", origin="lower")
    dress(axes, mode or "all tasks", x=short(columns), y=short(rows))
    axes.set_xticks(range(len(across)), [shown(value) for value in across])
    axes.set_yticks(range(len(down)), [shown(value) for value in down])
    axes.grid(False)
    axes.tick_params(length=0)
    for number, cell in enumerate(summary.cells):
        place = across.index(cell.setting[columns]), down.index(cell.setting[rows])
        ground = colours(scale(cell.mean)) if np.isfinite(cell.mean) else (1.0, 1.0, 1.0)
        light = 0.3 * ground[0] + 0.59 * ground[1] + 0.11 * ground[2] > 0.55
        _write_cell(axes, summary, number, place, INK if light else "white")


def _scale(values: np.ndarray, summary: Summary) -> tuple["Colormap", "Normalize"]:
    """Dark is low. Differences within the noise stay pale: the colours span several of its intervals."""
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    colours = LinearSegmentedColormap.from_list("error", ["#14306e", "#3f6fc9", "#a9c4e6", "#f7f3e8"])
    if not np.isfinite(values).any():
        return colours, Normalize(0, 1)
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    widths = [cell.high - cell.low for cell in summary.cells if np.isfinite(cell.low)]
    span = max(high - low, LEAST_INTERVALS * max(widths, default=0.0), 1e-9)
    return colours, Normalize(high - span, high)


def _write_cell(axes: "Axes", summary: Summary, number: int, place: tuple[int, int], colour: str) -> None:
    from matplotlib.patches import Rectangle

    cell, (x, y) = summary.cells[number], place
    if not np.isfinite(cell.mean):
        axes.text(x, y, "–", ha="center", va="center", fontsize=9, color=SOFT)
        return
    axes.text(x, y + 0.08, f"{cell.mean:.4f}", ha="center", va="center", fontsize=9, color=colour)
    if np.isfinite(cell.low):
        half = f"±{cell.high - cell.mean:.4f}"
        axes.text(x, y - 0.24, half, ha="center", va="center", fontsize=6.5, color=colour)
    frame = {"fill": False, "edgecolor": SECOND, "linewidth": 2.2}
    if number == summary.best:
        axes.add_patch(Rectangle((x - 0.46, y - 0.46), 0.92, 0.92, **frame))
    elif cell.p_worse is not None and cell.p_worse >= SURE:
        axes.add_patch(Rectangle((x - 0.46, y - 0.46), 0.92, 0.92, linestyle=":", **frame))


def draw_fields(
    results: Sequence[TrialResult], score: str, fields: Sequence[str], path: Path, title: str
) -> Path:
    """Write a PNG: every trial's score against each field, and the mean of each of its values."""
    ended = [result for result in results if result.state == "finished" and score in result.scores]
    about = f"Held-out {score}, lower is better. A dot is a trial; bars: 95 % of the means, where told."
    figure = new_figure(max(6.0, 3.6 * len(fields)), 3.7, title, about)
    panels = np.atleast_1d(figure.subplots(1, len(fields), sharey=True))
    panels[0].ticklabel_format(axis="y", useOffset=False)
    for axes, field in zip(panels, fields, strict=True):
        _draw_field(axes, ended, score, field, first=axes is panels[0])
    return save(figure, path)


def _draw_field(axes: "Axes", ended: Sequence[TrialResult], score: str, field: str, *, first: bool) -> None:
    values = levels(ended, field)
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    place = {value: value if numbers and len(values) > MOST_TICKS else at for at, value in enumerate(values)}
    x = [place[result.setting[field]] for result in ended]
    axes.plot(x, [result.scores[score] for result in ended], "o", color=ACCENT, alpha=0.35, markersize=5)
    if len(values) <= MOST_TICKS:
        cells = {cell.setting[field]: cell for cell in summarise(ended, score, (field,)).cells}
        means = [cells[value].mean for value in values]
        halves = [np.nan_to_num(cells[value].high - cells[value].mean) for value in values]
        axes.errorbar(
            range(len(values)), means, yerr=halves, color=SECOND, marker="o", capsize=4,
            markeredgecolor=GROUND,
        )  # fmt: skip
        axes.set_xticks(range(len(values)), [shown(value) for value in values])
    dress(axes, x=short(field), y=score if first else "")
    axes.margins(x=0.12)

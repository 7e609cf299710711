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

MOST_TICKS = 12
"""A field with more values is no map's edge."""


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
    axes.imshow(values, cmap="viridis_r", aspect="auto", origin="lower")
    dress(axes, mode or "all tasks", x=short(columns), y=short(rows))
    axes.set_xticks(range(len(across)), [shown(value) for value in across])
    axes.set_yticks(range(len(down)), [shown(value) for value in down])
    axes.grid(False)
    axes.tick_params(length=0)
    for number, cell in enumerate(summary.cells):
        place = across.index(cell.setting[columns]), down.index(cell.setting[rows])
        _write_cell(axes, summary, number, place, values)


def _write_cell(
    axes: "Axes", summary: Summary, number: int, place: tuple[int, int], values: np.ndarray
) -> None:
    from matplotlib.patches import Rectangle

    cell, (x, y) = summary.cells[number], place
    span = float(np.nanmax(values) - np.nanmin(values)) if np.isfinite(values).any() else 0.0
    dark = np.isfinite(cell.mean) and span > 0 and (cell.mean - np.nanmin(values)) / span > 0.5
    colour = "white" if dark else INK
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

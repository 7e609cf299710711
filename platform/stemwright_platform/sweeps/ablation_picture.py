"""Table 2 as a picture: rows from top to bottom, a panel for each score and kind of task."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stemwright_platform.picture_style import ACCENT, GROUND, INK, SECOND, SOFT, dress, new_figure, save
from stemwright_platform.sweeps.ablation_figures import Column
from stemwright_platform.sweeps.ablation_made import KINDS
from stemwright_platform.sweeps.ablation_row import AblationRow

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PANEL_IN = 2.1
ABOUT = (
    "Mean over songs and seeds with its 95 % interval; small dots are seeds.\n"
    "Orange: changed from the row above (p < 0.05 after Holm)."
)
ABOUT_SHARES = "\nShares: 0 (dotted) is strangers' stems of the same tempo and key, 1 (line) real ones."


def draw_ablation(
    rows: Sequence[AblationRow], columns: Sequence[Column], path: Path, title: str = "The rows of Table 2"
) -> Path:
    """Write a PNG. `columns`: one at least."""
    kinds = [kind for kind in KINDS if any(column.kind == kind for column in columns)]
    scores = list(dict.fromkeys(column.info.score for column in columns))
    high = 1.45 + len(kinds) * (0.55 + 0.26 * len(rows))
    about = ABOUT + ABOUT_SHARES * any(column.is_share for column in columns)
    figure = new_figure(2.4 + PANEL_IN * len(scores), high, title, about)
    figure.get_layout_engine().set(rect=(0, 0, 1, 1 - 0.16 * about.count("\n") / high))  # pyright: ignore[reportOptionalMemberAccess, reportCallIssue]
    panels = figure.subplots(len(kinds), len(scores), squeeze=False, sharey=True)
    by_place = {(column.kind, column.info.score): column for column in columns}
    for of_kind, kind in zip(panels, kinds, strict=True):
        for axes, score in zip(of_kind, scores, strict=True):
            column = by_place.get((kind, score))
            if column is None:
                axes.set_axis_off()
                continue
            _draw_panel(axes, rows, column)
        of_kind[0].set_axis_on()
        of_kind[0].set_ylabel(kind, fontsize=10, color=INK)
        of_kind[0].set_yticks(range(len(rows)), [row.label for row in rows])
        of_kind[0].set_ylim(len(rows) - 0.4, -0.6)
    return save(figure, path)


def _draw_panel(axes: "Axes", rows: Sequence[AblationRow], column: Column) -> None:
    arrow = {"higher": " →", "lower": " ←", "neither": ""}[column.info.better]
    dress(axes, f"{column.info.label}{', share' if column.is_share else ''}{arrow}", size=8)
    if column.is_share:
        axes.axvline(0, color=SOFT, linewidth=0.9, linestyle=":")
        axes.axvline(1, color=SOFT, linewidth=0.9)
    for place, row in enumerate(rows):
        if (figure := column.figures.get(row.name)) is None:
            continue
        axes.plot(
            [*figure.by_seed.values()], [place + 0.22] * len(figure.by_seed), ".", color=SOFT, markersize=3
        )
        changed = figure.change is not None and figure.change.stars
        axes.errorbar(
            figure.value,
            place,
            xerr=None if math.isnan(figure.half_width) else figure.half_width,
            fmt="o",
            color=SECOND if changed else ACCENT,
            markeredgecolor=GROUND,
            markersize=6,
            capsize=2.5,
            linewidth=1.4,
        )
    axes.margins(x=0.15)

"""A picture of two systems' differences, score by score."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from stemwright.tracks import Tracks
from stemwright_platform.evaluation.report.evaluation_folder import ComparedScore
from stemwright_platform.evaluation.report.picture import TEXT_PT, WIDTH_IN, Picture
from stemwright_platform.evaluation.report.wording import part_label, task_label
from stemwright_platform.evaluation.score_row import ScoreInfo
from stemwright_platform.picture_style import ACCENT, INK, SECOND, SOFT, dress, new_figure, save

MOST_LINES = 60
FARTHEST = 12.0
"""Half widths from 0; surer ones stop there."""
ABOUT = "Mean difference over half the width of its 95 % interval.\nColoured where p < 0.05 after Holm."


def draw_differences(
    rows: Sequence[ComparedScore],
    infos: Mapping[str, ScoreInfo],
    names: tuple[str, str],
    tracks: Tracks,
    path: Path,
) -> Picture | None:
    """Write a line a figure, what is good for the first of `names` to the right; the surest 60 at most."""
    known = [row for row in rows if math.isfinite(row.difference) and math.isfinite(row.low)]
    surest = sorted(known, key=lambda row: -abs(row.difference) / max(row.high - row.low, 1e-12))[:MOST_LINES]
    shown = [row for row in known if row in surest]
    if not shown:
        return None
    figure = new_figure(WIDTH_IN * 1.4, 1.9 + 0.27 * len(shown), "Differences and how sure they are", ABOUT)
    axes = figure.subplots()
    for place, row in enumerate(reversed(shown)):
        sign = 1 if infos[row.score].better == "higher" else -1
        unit = sign * max((row.high - row.low) / 2, abs(row.difference) / FARTHEST)
        colour = SOFT if not row.stars else ACCENT if sign * row.difference > 0 else SECOND
        if unit:
            axes.plot([row.low / unit, row.high / unit], [place, place], color=colour, linewidth=1.6)
        axes.plot(row.difference / unit if unit else 0, place, "o", color=colour, markersize=5)
    axes.axvline(0, color=INK, linewidth=0.9)
    words = [f"{infos[r.score].label}, {part_label(r.part)} ({task_label(r.task, tracks)})" for r in shown]
    first, second = (name if len(name) <= 30 else f"{name[:28]}…" for name in names)
    dress(axes, x=f"← {second} better     {first} better →", size=TEXT_PT - 1.5)
    axes.set_yticks(range(len(shown)), words[::-1])
    axes.set_ylim(-0.8, len(shown) - 0.2)
    alt = f"Differences of {names[0]} and {names[1]} with their intervals; the table has the figures"
    return Picture(file=save(figure, path), group="", alt=alt)

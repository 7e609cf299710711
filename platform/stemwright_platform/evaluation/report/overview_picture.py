"""One picture of an evaluation: how far the model has come from floor to ceiling by each score."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stemwright_platform.evaluation.report.evaluation_folder import PICTURES, EvaluationReport
from stemwright_platform.evaluation.report.picture import TEXT_PT, WIDTH_IN, Picture, offset, put_legend
from stemwright_platform.evaluation.report.ways import MODES, Way, ways
from stemwright_platform.picture_style import ACCENT, HAIR, MODE_COLOURS, dress, new_figure, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEAST, MOST = -0.5, 1.5
"""Shares beyond are drawn at the edge."""


def draw_overview(evaluation: EvaluationReport, out: Path) -> Picture | None:
    """Write `pictures/overview.png` below `out`: a line a score, a dot a mode; nothing without a share."""
    found = ways(evaluation)
    if not found:
        return None
    scores = list(dict.fromkeys(way.info.score for way in found))
    modes = [mode for mode in MODES if any(way.mode == mode for way in found)]
    about = "Mean over parts and tasks; the thin line spans them."
    figure = new_figure(WIDTH_IN, 2.1 + 0.44 * len(scores), "How far the model has come", about)
    axes = figure.subplots()
    _draw_ways(axes, found, scores, modes)
    dress(axes, size=TEXT_PT)
    axes.set_yticks(range(len(scores)), [evaluation.infos[score].label for score in scores[::-1]])
    axes.set_ylim(-0.6, len(scores) - 0.4)
    axes.set_xlim(LEAST - 0.08, MOST + 0.08)
    axes.set_xticks((LEAST, 0, 0.5, 1, MOST), ("≤ −½", "floor", "half", "ceiling", "≥ 1½"))
    if len(modes) > 1:
        put_legend(figure, axes, len(modes))
    told = ", ".join(f"{way.info.label} {way.mode} {way.mean:.2f}" for way in found)
    path = save(figure, out / PICTURES / "overview.png")
    return Picture(file=path, group="", alt=f"Share of the way from floor to ceiling: {told}")


def _draw_ways(axes: "Axes", found: Sequence[Way], scores: list[str], modes: list[str]) -> None:
    axes.axvspan(0, 1, color=HAIR, alpha=0.45, linewidth=0)
    for way in found:
        y = len(scores) - 1 - scores.index(way.info.score) + offset(modes.index(way.mode), len(modes))
        colour = MODE_COLOURS.get(way.mode, ACCENT)
        axes.plot(
            [_shown(min(way.shares)), _shown(max(way.shares))], [y, y], color=colour, linewidth=1, alpha=0.55
        )
        axes.plot(_shown(way.mean), y, "o", color=colour, markersize=6)
    for mode in modes:
        axes.plot([], [], "o", color=MODE_COLOURS.get(mode, ACCENT), label=mode or "any task")


def _shown(share: float) -> float:
    return min(MOST, max(LEAST, share))

"""The latest validation as a heat map: what the model knows of which task at which noise level."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stemwright.training_log import Record
from stemwright_platform.picture_style import GROUND, HAIR, INK, SOFT, dress, new_figure, save

if TYPE_CHECKING:
    from matplotlib.colors import Colormap, Normalize

MODES = ("conditional", "mixed", "marginal", "joint", "region")
WHOLE = "all"
MIN_SPAN = 0.15
"""Of the colours around 1: small differences stay pale."""


def draw_validation(score: Record, path: Path) -> Path:
    """Write a PNG from a record of `validation.jsonl` that has `ratio_by_mode_and_band`."""
    columns, rows, values = heat(score)
    about = (
        "Held-out error over that of the trivial guess √(1−ᾱ)·z. Below 1 (blue) the model knows something."
    )
    figure = new_figure(11, 1.75 + 0.52 * len(rows), f"What the model knows at step {score['step']:,}", about)
    axes = figure.subplots()
    colours, scale = _scale(values)
    image = axes.imshow(values, cmap=colours, norm=scale, aspect="auto")
    dress(axes, x="noise level, t / N", size=9)
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    axes.grid(False)
    axes.tick_params(length=0)
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            colour = _readable(colours(scale(value)))
            axes.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=9, color=colour)
    axes.axvline(len(columns) - 1.5, color=GROUND, linewidth=5)
    axes.axhline(len(rows) - 1.5, color=GROUND, linewidth=5)
    bar = figure.colorbar(image, ax=axes, pad=0.015, fraction=0.03)
    bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
    bar.ax.tick_params(labelsize=8, colors=SOFT, color=HAIR)
    return save(figure, path)


def heat(score: Record) -> tuple[list[str], list[str], np.ndarray]:
    """Bands, modes and ratios [modes, bands], the last of each over all; NaN where nothing was asked."""
    cells: Mapping[str, Mapping[str, float]] = score["ratio_by_mode_and_band"]
    bands = sorted(
        {band for row in cells.values() for band in row}, key=lambda band: float(band.split("-")[0])
    )
    modes = [mode for mode in MODES if mode in cells]
    rows = [[cells[mode].get(band, np.nan) for band in bands] for mode in modes]
    whole = [score["ratio_by_band"].get(band, np.nan) for band in bands]
    ratios = {**score["ratio_by_mode"], "region": score.get("ratio_region", np.nan)}
    last = [*(ratios.get(mode, np.nan) for mode in modes), score["ratio"]]
    values = np.column_stack([np.asarray([*rows, whole], dtype=float), last])
    return [*(band.replace("-", "–") for band in bands), WHOLE], [*modes, WHOLE], values


def _scale(values: np.ndarray) -> tuple["Colormap", "Normalize"]:
    """Blue below 1, orange above, pale at 1: told apart in every common colour blindness."""
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    stops = [(0.0, "#08306b"), (0.25, "#2b7bba"), (0.5, "#f4f1e8"), (0.75, "#e08a3c"), (1.0, "#8c2d04")]
    span = float(np.clip(np.nanmax(np.abs(values - 1)), MIN_SPAN, 1.0))
    return LinearSegmentedColormap.from_list("knows", stops), Normalize(1 - span, 1 + span, clip=True)


def _readable(ground: Sequence[float]) -> str:
    """Black or white, whichever stands out."""
    return INK if 0.3 * ground[0] + 0.59 * ground[1] + 0.11 * ground[2] > 0.55 else "white"

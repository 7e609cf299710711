"""How pictures look: one style, colours that everyone can tell apart, files whole or not at all."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, SOFT, HAIR, GROUND = "#1b1e27", "#5d6371", "#e4e1d8", "#fffefb"
ACCENT, SECOND = "#3f52c9", "#d55e00"
"""Training and held out, made and real: the two that are compared."""
MODE_COLOURS = {
    "conditional": "#0072b2",
    "marginal": "#c48a00",
    "mixed": "#008f68",
    "joint": "#d55e00",
}
REGION_COLOUR = "#b0508a"
"""After Okabe and Ito."""
DPI = 120


def size_colours(count: int) -> list[str]:
    """A colour for each number of targets, light for one, dark for all."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    ramp = colormaps["viridis_r"]
    return [to_hex(ramp(0.12 + 0.8 * k / max(count - 1, 1))) for k in range(count)]


def new_figure(width_in: float, height_in: float, title: str, about: str = "") -> "Figure":
    """A figure with a heading and, smaller, a line about it."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_in, height_in), layout="constrained", facecolor=GROUND)
    heading = f"{title}\n" if about else title
    figure.suptitle(heading, x=0.012, ha="left", fontsize=14, fontweight="bold", color=INK, linespacing=1.7)
    if about:
        figure.text(0.012, 1 - 0.40 / height_in, about, ha="left", va="top", fontsize=9.5, color=SOFT)
    return figure


def dress(axes: "Axes", title: str = "", *, x: str = "", y: str = "", size: float = 9) -> None:
    """Titles at the left, hair lines behind, no box."""
    axes.set_title(title, loc="left", fontsize=size + 1.5, color=INK)
    axes.set_xlabel(x, fontsize=size, color=SOFT)
    axes.set_ylabel(y, fontsize=size, color=SOFT)
    axes.set_facecolor(GROUND)
    axes.tick_params(labelsize=size, colors=SOFT, length=3, color=HAIR, which="both")
    axes.grid(True, color=HAIR, linewidth=0.7)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(HAIR)


def key(axes: "Axes", columns: int = 1) -> None:
    """A legend without a frame, where anything is labelled."""
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, fontsize=8.5, labelcolor=SOFT, ncols=columns)


def save(figure: "Figure", path: Path) -> Path:
    """Write a PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    figure.savefig(partial, dpi=DPI, format="png")
    partial.replace(path)
    return path


def smoothed(values: Sequence[float], weight: float = 0.95) -> list[float]:
    """Exponential mean, corrected for its start."""
    means, mean = [], 0.0
    for count, value in enumerate(values, 1):
        mean = weight * mean + (1 - weight) * value
        means.append(mean / (1 - weight**count))
    return means

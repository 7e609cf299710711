"""Time and scores over the number of solver steps, as a picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stemwright_platform.picture_style import ACCENT, INK, SECOND, SOFT, dress, new_figure, save

WIDTH_IN, HEIGHT_IN, TEXT_PT = 5.6, 5.4, 10.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Curve:
    """One thing over the number of steps."""

    title: str
    values: Sequence[float]
    """NaN where it was not measured."""
    allowed: float | None = None
    """What it is held to; None holds it to nothing."""


def draw_steps(steps: Sequence[int], curves: Sequence[Curve], default: int, path: Path) -> Path:
    """Write curves below one another over `steps`, the default marked, as a PNG."""
    about = f"The line marks the default of {default} steps; dashes what fewer steps may cost."
    figure = new_figure(WIDTH_IN, HEIGHT_IN, "Few steps and many", about)
    rows = figure.subplots(len(curves), 1, sharex=True, squeeze=False)[:, 0]
    for axes, curve in zip(rows, curves, strict=True):
        axes.plot(steps, curve.values, color=ACCENT, marker="o", markersize=4.5, linewidth=1.6)
        axes.axvline(default, color=INK, linewidth=1.0)
        if curve.allowed is not None:
            axes.axhline(curve.allowed, color=SECOND, linewidth=1.1, linestyle="--")
        dress(axes, curve.title, size=TEXT_PT)
        axes.set_xscale("log")
        axes.margins(y=0.2)
    last = rows[-1]
    last.set_xticks(list(steps), [str(count) for count in steps])
    last.minorticks_off()
    last.set_xlabel("solver steps", fontsize=TEXT_PT, color=SOFT)
    return save(figure, path)

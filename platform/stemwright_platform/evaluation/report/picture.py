"""What the pictures of evaluations have in common."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stemwright_platform.picture_style import SOFT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_IN = 5.6
TEXT_PT = 10.5
"""Large, since a phone shows a picture at half its width."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """A file of the report."""

    file: Path
    group: str
    """Name of the section it belongs to; "" for the overview."""
    alt: str
    """What it shows, for those who do not see it."""


def put_legend(figure: "Figure", axes: "Axes", columns: int) -> None:
    """Below everything, so that it takes no width."""
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        figure.legend(
            handles,
            labels,
            loc="outside lower left",
            ncols=columns,
            frameon=False,
            fontsize=9.5,
            labelcolor=SOFT,
        )


def offset(turn: int, count: int, height: float = 0.5) -> float:
    """Of one of several dots on a line, the first on top."""
    return height * (0.5 - (turn + 0.5) / count) if count > 1 else 0.0

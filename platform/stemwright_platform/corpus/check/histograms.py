"""Histograms for the page, as SVG that takes its colours from the page."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

WIDTH = 520
LEFT, RIGHT, TOP, BOTTOM = 108, 16, 14, 44
NAMES = 156
"""Width for the names of `bars`."""
ROW, GAP = 46, 12
"""Heights of a row's highest bar and of the space between rows."""
SINGLE_ROW = 150
NUM_BINS = 36


@dataclass(frozen=True, kw_only=True, slots=True)
class Axis:
    """What runs from left to right."""

    title: str
    low: float
    high: float
    ticks: tuple[float, ...]

    def x(self, value: float) -> float:
        """Place of a value in the picture."""
        return LEFT + (value - self.low) / (self.high - self.low) * (WIDTH - LEFT - RIGHT)


def axis_over(title: str, values: Sequence[float], *, from_zero: bool = False) -> Axis:
    """An axis with round ends around at least one value."""
    low, high = (0.0 if from_zero else min(values)), max(values)
    step = _round_step((high - low or abs(high) or 1.0) / 5)
    low, high = math.floor(low / step) * step, math.ceil(high / step + 1e-9) * step
    if high <= low:
        high = low + step
    count = round((high - low) / step)
    return Axis(title=title, low=low, high=high, ticks=tuple(low + step * i for i in range(count + 1)))


def histogram(rows: Mapping[str, tuple[str, Sequence[float]]], axis: Axis) -> Markup:
    """Rows of bars over one axis: name → colour and values; each row's highest bar fills it.

    Values beyond the axis count at its ends. The count of the highest bar stands at its row.
    """
    height = SINGLE_ROW if len(rows) == 1 else ROW
    parts: list[str] = []
    foot = float(TOP)
    for name, (colour, values) in rows.items():
        foot += height
        parts += _row(name, colour, values, axis, foot, height)
        foot += GAP
    foot -= GAP
    parts += _axis(axis, foot)
    described = "; ".join(f"{name} {_spread(values)}" for name, (_, values) in rows.items())
    return _svg(parts, foot + BOTTOM, f"{axis.title}: {described}")


def bars(counts: Mapping[str, int], colour: str, title: str) -> Markup:
    """A bar for each name, as long as its count."""
    most = max(counts.values())
    parts, row = [], 30
    for place, (name, count) in enumerate(counts.items()):
        top = TOP + place * row
        width = max(2.0, count / most * (WIDTH - NAMES - RIGHT - 80))
        parts += [
            _text(NAMES - 10, top + 16, name, "end", "value"),
            f'<rect style="fill:{colour}" x="{NAMES}" y="{top + 2}" width="{width:.1f}" height="18" rx="3"/>',
            _text(NAMES + width + 8, top + 16, f"{count:,}", "start"),
        ]
    described = ", ".join(f"{name} {count}" for name, count in counts.items())
    return _svg(parts, TOP + row * len(counts) + 6, f"{title}: {described}")


def _row(
    name: str, colour: str, values: Sequence[float], axis: Axis, foot: float, height: float
) -> list[str]:
    edges = np.linspace(axis.low, axis.high, NUM_BINS + 1)
    counts = np.histogram(np.clip(values, axis.low, axis.high), edges)[0]
    most = int(counts.max(initial=0))
    parts = [
        f'<line class="rule" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{foot:.1f}" y2="{foot:.1f}"/>',
        _text(LEFT - 10, foot - height / 2 + (0 if most else 4), name, "end", "value"),
    ]
    if most:
        parts.append(_text(LEFT - 10, foot - height / 2 + 17, f"max {most:,}", "end"))
    for place in np.flatnonzero(counts):
        left, right = axis.x(float(edges[place])), axis.x(float(edges[place + 1]))
        tall = max(1.5, counts[place] / most * height)
        low, high = _number(float(edges[place])), _number(float(edges[place + 1]))
        parts.append(
            f'<rect style="fill:{colour}" x="{left + 0.75:.1f}" y="{foot - tall:.1f}" '
            f'width="{right - left - 1.5:.1f}" height="{tall:.1f}" rx="1.5">'
            f"<title>{low} to {high}: {counts[place]:,}</title></rect>"
        )
    return parts


def _axis(axis: Axis, foot: float) -> list[str]:
    ticks = [_text(axis.x(tick), foot + 17, _number(tick), "middle") for tick in axis.ticks]
    return [*ticks, _text(WIDTH - RIGHT, foot + 36, axis.title, "end")]


def _spread(values: Sequence[float]) -> str:
    return f"{_number(min(values))} to {_number(max(values))}" if len(values) else "none"


def _number(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")


def _round_step(step: float) -> float:
    magnitude = 10.0 ** math.floor(math.log10(step))
    return next(factor * magnitude for factor in (1, 2, 5, 10) if factor * magnitude >= step * 0.999)


def _text(x: float, y: float, text: str, anchor: str, kind: str = "tick") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{Markup.escape(text)}</text>'


def _svg(parts: Sequence[str], height: float, description: str) -> Markup:
    return Markup(
        f'<svg class="chart" viewBox="0 0 {WIDTH} {height:.0f}" role="img" '
        f'aria-label="{Markup.escape(description)}">{"".join(parts)}</svg>'
    )

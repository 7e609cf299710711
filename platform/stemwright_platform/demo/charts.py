"""Charts for the report page, as SVG that takes its colours from the page."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

WIDTH, HEIGHT = 640, 280
LEFT, RIGHT, TOP, BOTTOM = 50, 14, 16, 48


@dataclass(frozen=True, slots=True)
class Axes:
    """Linear axes over the plot's rectangle."""

    x_low: float
    x_high: float
    y_low: float
    y_high: float

    def x(self, value: float) -> float:
        return LEFT + (value - self.x_low) / (self.x_high - self.x_low or 1) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        return (
            HEIGHT - BOTTOM - (value - self.y_low) / (self.y_high - self.y_low or 1) * (HEIGHT - TOP - BOTTOM)
        )


def loss_chart(steps: Sequence[int], losses: Sequence[float]) -> Markup:
    """Training loss by step, each step faint and a running mean in front. At least one point."""
    values = np.asarray(losses, dtype=float)
    mean = running_mean(values, max(3, len(values) // 20))
    low, high = _nice_range(float(min(values.min(), 0)), float(np.percentile(values, 99)))
    axes = Axes(steps[0], max(steps[-1], steps[0] + 1), low, high)
    parts = [
        *_horizontal_lines(axes, _ticks(low, high)),
        *_x_labels(axes, _ticks(axes.x_low, axes.x_high)),
        _label(WIDTH - RIGHT, HEIGHT - 8, "training step", "end"),
        _line(axes, steps, np.clip(values, low, high), "faint"),
        _line(axes, steps, np.clip(mean, low, high), "bold"),
    ]
    return _svg(parts, f"Training loss goes from {mean[0]:.3g} to {mean[-1]:.3g} over {steps[-1]} steps")


def band_chart(edges: Sequence[float], ratios: Sequence[float | None]) -> Markup:
    """Held-out error of each timestep band as a share of the trivial guess's: bars hang from the guess, at 1.

    `edges`: one more than `ratios`, where the bands meet, as fractions of N. A band without a ratio stays
    empty; at least one has one.
    """
    known = [ratio for ratio in ratios if ratio is not None]
    low = min(0.9, float(np.floor(min(known) * 10 - 0.3)) / 10)
    high = max(1.02, float(np.ceil(max(known) * 10 + 0.2)) / 10)
    axes = Axes(0, len(ratios), max(low, 0), high)
    parts = _horizontal_lines(axes, _ticks(axes.y_low, high))
    guess = axes.y(1)
    for place, ratio in enumerate(ratios):
        if ratio is None:
            continue
        left, right = axes.x(place + 0.14), axes.x(place + 0.86)
        end, kind = axes.y(ratio), "good" if ratio < 1 else "poor"
        parts += [
            f'<rect class="{kind}" x="{left:.1f}" y="{min(guess, end):.1f}" width="{right - left:.1f}" '
            f'height="{max(abs(end - guess), 1):.1f}" rx="2"/>',
            _label((left + right) / 2, end + (15 if ratio < 1 else -5), f"{ratio:.2f}", "middle", "value"),
        ]
    parts += [
        *(
            _label(axes.x(place), HEIGHT - BOTTOM + 16, f"{edge:g}", "middle")
            for place, edge in enumerate(edges)
        ),
        f'<line class="guess" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{guess:.1f}" y2="{guess:.1f}"/>',
        _label(WIDTH - RIGHT, HEIGHT - 8, "noise level, t/N", "end"),
    ]
    return _svg(
        parts, f"Held-out error as a share of the trivial guess, {min(known):.2f} to {max(known):.2f}"
    )


def running_mean(values: np.ndarray, width: int) -> np.ndarray:
    """Mean over a window of up to `width` values around each."""
    sums = np.cumsum(np.concatenate([[0.0], values]))
    place = np.arange(len(values))
    first = np.maximum(place - width // 2, 0)
    last = np.minimum(place + width // 2 + 1, len(values))
    return (sums[last] - sums[first]) / (last - first)


def _nice_range(low: float, high: float) -> tuple[float, float]:
    ticks = _ticks(low, high)
    step = ticks[1] - ticks[0] if len(ticks) > 1 else high or 1.0
    return low, low + step * float(np.ceil((high - low) / step - 1e-9))


def _ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Round numbers from `low` to `high`."""
    span = high - low
    if span <= 0:
        return [low]
    magnitude = 10.0 ** np.floor(np.log10(span / wanted))
    step = next(s * magnitude for s in (1, 2, 2.5, 5, 10) if span / (s * magnitude) <= wanted)
    first = int(np.ceil(low / step - 1e-9))
    return [float(step * i) for i in range(first, int(np.floor(high / step + 1e-9)) + 1)]


def _horizontal_lines(axes: Axes, ticks: Sequence[float]) -> list[str]:
    lines = []
    for value in ticks:
        y = axes.y(value)
        lines.append(f'<line class="rule" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        lines.append(_label(LEFT - 7, y + 4, f"{value:g}", "end"))
    return lines


def _x_labels(axes: Axes, ticks: Sequence[float]) -> list[str]:
    return [_label(axes.x(value), HEIGHT - BOTTOM + 16, f"{value:g}", "middle") for value in ticks]


def _line(axes: Axes, xs: Sequence[int], ys: np.ndarray, kind: str) -> str:
    points = " ".join(f"{axes.x(x):.1f},{axes.y(float(y)):.1f}" for x, y in zip(xs, ys, strict=True))
    return f'<polyline class="{kind}" points="{points}"/>'


def _label(x: float, y: float, text: str, anchor: str, kind: str = "tick") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{Markup.escape(text)}</text>'


def _svg(parts: Sequence[str], description: str) -> Markup:
    return Markup(
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{Markup.escape(description)}">{"".join(parts)}</svg>'
    )

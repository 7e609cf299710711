"""Figures as lines of a terminal."""

import math
from collections.abc import Iterator, Sequence

from stemwright_platform.assessment.figure import Figure

NAME_WIDTH, VALUE_WIDTH, INTERVAL_WIDTH, TARGET_WIDTH = 46, 8, 16, 8


def table_lines(title: str, figures: Sequence[Figure]) -> Iterator[str]:
    """A heading, then a line a figure: name, value, interval, target, verdict."""
    yield f"\n{title}"
    for figure in figures:
        yield (
            f"  {figure.name:{NAME_WIDTH}} {value_text(figure.value):>{VALUE_WIDTH}} "
            f"{interval_text(figure):>{INTERVAL_WIDTH}}  {str(figure.target or ''):>{TARGET_WIDTH}}  "
            f"{figure.verdict}"
        ).rstrip()


def value_text(value: float) -> str:
    """Three digits that count, or a dash."""
    if math.isnan(value):
        return "–"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}" if abs(value) >= 10 else f"{value:.2f}"


def interval_text(figure: Figure) -> str:
    """ "0.41 to 0.63", or nothing where none is known."""
    if math.isnan(figure.low) or math.isnan(figure.high):
        return ""
    return f"{value_text(figure.low)} to {value_text(figure.high)}"


def closing_line(figures: Sequence[Figure]) -> str:
    """How many targets are met, and which are not."""
    held = [figure for figure in figures if figure.target is not None]
    met = sum(bool(figure.met) for figure in held)
    said = f"{met} of {len(held)} targets met"
    missed = [figure.name for figure in held if not figure.met]
    return f"{said}; not met: {', '.join(missed)}" if missed else said

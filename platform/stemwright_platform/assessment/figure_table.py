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
            f"{interval_text(figure):>{INTERVAL_WIDTH}}  {figure.target or ''!s:>{TARGET_WIDTH}}  "
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


def counted_line(figures: Sequence[Figure]) -> str:
    """How many targets are met."""
    held = [figure for figure in figures if figure.target is not None]
    return f"{sum(bool(figure.met) for figure in held)} of {len(held)} targets met"


def missed_names(figures: Sequence[Figure]) -> list[str]:
    """Figures that do not meet their target, unmeasured ones too."""
    return [figure.name for figure in figures if figure.met is False]


def closing_line(figures: Sequence[Figure]) -> str:
    """How many targets are met, and which are not."""
    missed = missed_names(figures)
    return f"{counted_line(figures)}; not met: {', '.join(missed)}" if missed else counted_line(figures)

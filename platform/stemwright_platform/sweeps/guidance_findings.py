"""What a sweep of the guidance scale found: curves, costs, the choice; as JSON and CSV.

Axes: Q guidance scale.
"""

import csv
import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

from stemwright_platform.evaluation.score_row import Better
from stemwright_platform.sweeps.guidance_choice import PLAIN, Choice
from stemwright_platform.sweeps.guidance_line import Line
from stemwright_platform.sweeps.guidance_scores import SplitCurve

FORMAT_VERSION = 1
SWEEP, CURVE = "sweep.json", "curve.csv"
OVERALL = "all"
"""Stands for the mean over splits."""
DECIMALS = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Findings:
    """All that a page, a picture and a tracker tell."""

    by: str
    """The criterion: "coherence" or a score's name."""
    label: str
    """The criterion in words."""
    better: Better
    scales: tuple[float, ...]
    splits: tuple[SplitCurve, ...]
    """By task."""
    overall: Line
    """The mean over splits."""
    flat: Mapping[str, Line] = field(default_factory=dict)
    """Tasks with nothing given, which λ does not touch: a line of one value each."""
    spreads: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """Task → deviation over seeds at each λ, in normalised latents; NaN with one take."""
    levels_db: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """Task → mean level against the real one at each λ."""
    frechet: Line | None = None
    """Distance of the mixes at each λ to those of the real clips."""
    choice: Choice | None = None
    """None where nothing could be chosen, see `no_choice`."""
    no_choice: str = ""
    clips: int
    takes: int
    ceiling: str
    """System of the real stems."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Model, data, sampling, cost."""

    @property
    def plain(self) -> int:
        """Where λ = 1 is."""
        return self.scales.index(PLAIN)

    @property
    def is_share(self) -> bool:
        """Whether figures are shares of the way from strangers' stems to real ones."""
        return any(curve.bounds is not None for curve in self.splits)

    @property
    def refused(self) -> Mapping[float, str]:
        """λ that could not be chosen, and why."""
        return self.choice.refused if self.choice is not None else {}

    def lines(self) -> dict[str, Line]:
        """Each split's line, that over all first."""
        return {OVERALL: self.overall, **{curve.task: curve.line for curve in self.splits}}

    def relative_spread(self, task: str) -> list[float]:
        """A task's spread over seeds at each λ as a ratio to that at λ = 1."""
        values = self.spreads[task]
        plain = values[self.plain]
        return [value / plain if plain else math.nan for value in values]


def conclusion(findings: Findings) -> str:
    """The sentence that a sweep ends with."""
    choice = findings.choice
    if choice is None:
        return f"no λ can be chosen: {findings.no_choice}"
    said = f"the best λ is {choice.scale:g}"
    others = [scale for scale in choice.as_good if scale != choice.scale]
    if choice.scale != choice.best:
        said += f" (λ = {choice.best:g} has the best mean, but is not clearly better, or more than real)"
    elif others:
        said += f" (as good: {', '.join(f'{scale:g}' for scale in others)})"
    return f"{said}; set it: the same command with --write, or compose with --guidance-scale {choice.scale:g}"


def write_findings(findings: Findings, out: Path) -> None:
    """Write sweep.json and curve.csv."""
    _write(out / SWEEP, json.dumps(as_dict(findings), indent=1, ensure_ascii=False) + "\n")
    table = StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(
        ["task", "lambda", "value", "low", "high", "difference", "difference_low", "difference_high"]
    )
    writer.writerows(_table(findings))
    _write(out / CURVE, table.getvalue())


def as_dict(findings: Findings) -> dict[str, Any]:
    """For JSON; NaN is null."""
    choice = findings.choice
    return {
        "format_version": FORMAT_VERSION,
        "by": findings.by,
        "better": findings.better,
        "unit": "share of the way from strangers' stems to real ones" if findings.is_share else findings.by,
        "scales": list(findings.scales),
        "clips": findings.clips,
        "takes": findings.takes,
        "ceiling": findings.ceiling,
        "choice": None
        if choice is None
        else {
            "scale": choice.scale,
            "best_mean": choice.best,
            "as_good": list(choice.as_good),
            "refused": {f"{scale:g}": why for scale, why in choice.refused.items()},
        },
        "no_choice": findings.no_choice,
        "curve": {task: _line_as_dict(line, findings.plain) for task, line in findings.lines().items()},
        "bounds": {
            curve.task: {"floor": _line_as_dict(curve.bounds[0]), "ceiling": _line_as_dict(curve.bounds[1])}
            for curve in findings.splits
            if curve.bounds is not None
        },
        "made_of": {
            curve.task: {
                "scores": [_cell_as_dict(cell) for cell in curve.cells],
                "left_out": list(curve.left_out),
            }
            for curve in findings.splits
        },
        "whatever_lambda": {task: _line_as_dict(line) for task, line in findings.flat.items()},
        "seed_spread": {task: _numbers(values) for task, values in findings.spreads.items()},
        "level_db": {task: _numbers(values) for task, values in findings.levels_db.items()},
        "frechet": None if findings.frechet is None else _line_as_dict(findings.frechet, findings.plain),
        "facts": dict(findings.facts),
    }


def _table(findings: Findings) -> Iterator[list[Any]]:
    """A row for each task and λ."""
    for task, line in findings.lines().items():
        (low, high), behind = line.interval(), line.differences(findings.plain)
        less, more = behind.interval()
        columns = (findings.scales, line.values, low, high, behind.values, less, more)
        for scale, *figures in zip(*columns, strict=True):
            yield [task, f"{scale:g}", *("" if not math.isfinite(v) else f"{v:.6g}" for v in figures)]


def _line_as_dict(line: Line, plain: int | None = None) -> dict[str, Any]:
    low, high = line.interval()
    found: dict[str, Any] = {
        "value": _numbers(line.values),
        "low": _numbers(low),
        "high": _numbers(high),
        "n": line.n,
    }
    if plain is not None:
        behind = line.differences(plain)
        low, high = behind.interval()
        against = {"value": _numbers(behind.values), "low": _numbers(low), "high": _numbers(high)}
        errors = {"standard_error": _numbers(behind.standard_errors())}
        found["against_1"] = against | errors | {"p_value": _p_values(line, plain)}
    return found


def _p_values(line: Line, plain: int) -> list[float | None]:
    return _numbers([line.p_value(q, plain) if q != plain else math.nan for q in range(len(line.values))])


def _cell_as_dict(cell: Any) -> dict[str, Any]:
    return {
        "score": cell.score,
        "part": cell.part,
        "floor": round(cell.floor, DECIMALS),
        "ceiling": round(cell.ceiling, DECIMALS),
    }


def _numbers(values: Any) -> list[float | None]:
    return [round(float(value), DECIMALS) if math.isfinite(value) else None for value in values]


def _write(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)

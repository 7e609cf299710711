"""What a sweep leaves for people and programs: results.json, table.md, pictures and a page."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from stemwright_platform.page_resource import page_resource
from stemwright_platform.sweeps.setting import short, shown
from stemwright_platform.sweeps.summary import Summary
from stemwright_platform.sweeps.sweep_folder import SweepFolder
from stemwright_platform.sweeps.trial_result import TrialResult

FORMAT_VERSION = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A table of words."""

    heading: tuple[str, ...]
    """Names of the columns."""
    rows: tuple[tuple[str, ...], ...]
    """Cells."""
    marked: int | None = None
    """Number of the row that stands out."""
    about: str = ""
    """A sentence or a few, below."""

    def markdown(self) -> str:
        """As Markdown."""
        lines = [self.heading, ("---",) * len(self.heading), *self.rows]
        return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """A sweep to be told of."""

    title: str
    """Heading."""
    verdict: str
    """What it found, in a few sentences."""
    facts: Mapping[str, str]
    """Short facts by name."""
    tables: Mapping[str, Table]
    """By heading."""
    pictures: Mapping[str, Path]
    """By what they show."""
    trials: Sequence[TrialResult]
    """All of them."""
    content: Mapping[str, Any]
    """What results.json has beside the trials."""


def write_report(report: Report, folder: SweepFolder) -> Path:
    """Write everything, each file whole or not at all; returns the page's path."""
    content = {"format_version": FORMAT_VERSION, "title": report.title, "verdict": report.verdict}
    content |= {**report.content, "trials": [asdict(trial) for trial in report.trials]}
    folder.write(folder.results.name, json.dumps(without_nan(content), indent=1, allow_nan=False) + "\n")
    parts = [f"# {report.title}", report.verdict]
    for heading, table in report.tables.items():
        parts += [f"## {heading}", table.markdown(), *([table.about] if table.about else [])]
    folder.write("table.md", "\n\n".join(parts) + "\n")
    return folder.write(folder.page.name, render(report, folder))


def render(report: Report, folder: SweepFolder) -> str:
    """The page's HTML; pictures are addressed from the folder."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(page_resource("sweeps", "page.html.j2")).render(
        report=report,
        pictures={about: path.relative_to(folder.path).as_posix() for about, path in report.pictures.items()},
        failed=[trial for trial in report.trials if trial.state in ("failed", "diverged")],
        style=Markup(page_resource("demo", "report.css") + page_resource("sweeps", "page.css")),
    )


def cell_table(summaries: Sequence[Summary]) -> Table:
    """Settings by scores: the first one's order of cells, its best marked, with p of each to the best."""
    first = summaries[0]
    fields = [*dict.fromkeys(name for cell in first.cells for name in cell.setting)]
    heading = (*map(short, fields), *(_score_name(each.score) for each in summaries), "p", "trials")
    rows = []
    for number, cell in enumerate(first.cells):
        means = (mean_text(each, number) for each in summaries)
        p = "lowest" if number == first.best else p_text(cell.p_worse)
        ended = f"{len(cell.values)}" + (f"; {'; '.join(cell.notes)}" if cell.notes else "")
        rows.append(
            (*(shown(cell.setting[f]) if f in cell.setting else "" for f in fields), *means, p, ended)
        )
    about = (
        "Held-out error over that of the trivial guess, mean over seeds ± half of its 95 % interval (noise "
        "pooled over all settings, what a seed adds to all alike left out); lower is better. "
        f"p: of the difference to the lowest {first.score}, by Tukey's range."
    )
    return Table(heading=heading, rows=tuple(rows), marked=first.best, about=about)


def mean_text(summary: Summary, number: int) -> str:
    """As "0.4123 ± 0.0031"; a dash where there is nothing."""
    if number >= len(summary.cells) or math.isnan(summary.cells[number].mean):
        return "–"
    cell = summary.cells[number]
    half = cell.high - cell.mean
    return f"{cell.mean:.4f}" + ("" if math.isnan(half) else f" ± {half:.4f}")


def p_text(p: float | None) -> str:
    """As "0.03" or "< 0.001"; empty where there is none."""
    if p is None:
        return ""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def without_nan(content: Any) -> Any:
    """NaN and infinity as None, keys as text: what JSON has."""
    if isinstance(content, Mapping):
        return {str(key): without_nan(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [without_nan(value) for value in content]
    if isinstance(content, float) and not math.isfinite(content):
        return None
    return content


def _score_name(score: str) -> str:
    """ "ratio.joint" as "joint", "ratio" as it is."""
    return re.sub(r"^\w+\.", "", score)

"""The page of an assessment: every figure with its target, where it lies and what it means."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from stemwright_platform.assessment.figure import Figure, figure_of_json
from stemwright_platform.assessment.figure_table import counted_line, interval_text, missed_names, value_text
from stemwright_platform.assessment.part import PARTS, Part
from stemwright_platform.evaluation.report.page_file import told_facts, write_page
from stemwright_platform.page_resource import page_resource

PAGE = "index.html"
PICTURES = "pictures"
"""Folder of pictures; PART-*.png stand under their part."""


def write_assessment_page(out: Path, found: Mapping[str, Any]) -> Path:
    """Write OUT/index.html of what `read_assessment` gives, whole or not at all."""
    return write_page(out / PAGE, render(out, found))


def render(out: Path, found: Mapping[str, Any]) -> str:
    """The page's HTML."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    known = [
        (part, list(map(figure_of_json, found["parts"][part.name])))
        for part in PARTS
        if found["parts"].get(part.name) or (part.name in found["parts"] and pictures_of(out, part))
    ]
    every = [figure for _, figures in known for figure in figures]
    style = page_resource("demo", "report.css") + page_resource("assessment", "assessment.css")
    return environment.from_string(page_resource("assessment", "assessment.html.j2")).render(
        heading=counted_line(every),
        missed=missed_names(every),
        facts=told_facts({**found["model"], "songs": found["music"], "measured": found["created"][:10]}),
        settings=told_facts(found["settings"]),
        parts=[_part(out, part, figures) for part, figures in known],
        style=Markup(style),
    )


def _part(out: Path, part: Part, figures: list[Figure]) -> dict[str, Any]:
    return {
        "name": part.name,
        "title": part.title,
        "about": part.about,
        "rows": [_row(figure) for figure in figures],
        "pictures": [f"{PICTURES}/{picture.name}" for picture in pictures_of(out, part)],
    }


def pictures_of(out: Path, part: Part) -> list[Path]:
    """Whatever was drawn for it."""
    return sorted((out / PICTURES).glob(f"{part.name}-*.png"))


def _row(figure: Figure) -> dict[str, Any]:
    return {
        "name": figure.name,
        "about": figure.about,
        "value": value_text(figure.value),
        "interval": interval_text(figure),
        "target": str(figure.target or ""),
        "verdict": figure.verdict,
        "state": {True: "met", False: "missed", None: "shown"}[figure.met],
        "note": figure.note,
        "n": figure.n,
        "scale": _scale(figure),
    }


def _scale(figure: Figure) -> dict[str, float] | None:
    """Value, interval and target as places on a line, in per cent; None where there is no target."""
    if figure.target is None or math.isnan(figure.value):
        return None
    points = [figure.value, figure.target.bound]
    points += [bound for bound in (figure.low, figure.high) if not math.isnan(bound)]
    first, last = min(0.0, *points), max(1.0 if figure.target.bound <= 1 else 0.0, *points)
    low = figure.value if math.isnan(figure.low) else figure.low
    high = figure.value if math.isnan(figure.high) else figure.high
    places = {"value": figure.value, "bound": figure.target.bound, "low": low, "high": high}
    return {name: round(100 * (point - first) / (last - first), 2) for name, point in places.items()}

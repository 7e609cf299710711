"""A page of evaluations as a file: its template filled in, written whole, facts as words."""

import os
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from markupsafe import Markup


def write_page(path: Path, html: str) -> Path:
    """Write a page, whole or not at all."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(html, encoding="utf-8")
    partial.replace(path)
    return path


def fill(template: str, **values: Any) -> str:
    """A page of this folder, with the house's style and this folder's script."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        loader=FunctionLoader(_resource),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = _resource("report.css", "demo") + _resource("report.css")
    return environment.get_template(template).render(
        style=Markup(style), script=Markup(_resource("report.js")), **values
    )


def told_fact(value: Any) -> str:
    """A fact as words; empty where nothing is known."""
    if value is None or value == "" or value == []:
        return ""
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {told_fact(of)}" for name, of in value.items() if told_fact(of))
    if isinstance(value, (list, tuple)):
        return ", ".join(told_fact(entry) for entry in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}" if value >= 10_000 else str(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def told_facts(entries: Mapping[str, Any]) -> dict[str, str]:
    """Facts as words: lists joined, nothing where nothing is known."""
    return {name.replace("_", " "): told_fact(value) for name, value in entries.items() if told_fact(value)}


def _resource(name: str, package: str = "evaluation.report") -> str:
    return (resources.files(f"stemwright_platform.{package}") / name).read_text(encoding="utf-8")

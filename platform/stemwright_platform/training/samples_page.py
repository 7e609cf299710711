"""The page of a run's samples: each thing that was made, the real song first, then step by step."""

import json
from pathlib import Path
from typing import Any

from markupsafe import Markup

from stemwright_platform.demo.report import lane_colour
from stemwright_platform.page_resource import page_resource

PAGE = "index.html"
FACTS, REFERENCE = "samples.json", "reference"


def write_samples_page(samples: Path, run: str) -> Path:
    """Write `index.html` into a run's `samples` folder, whole or not at all; returns its path."""
    partial = samples / f".{PAGE}"
    partial.write_text(render(samples, run), encoding="utf-8")
    return partial.replace(samples / PAGE)


def render(samples: Path, run: str) -> str:
    """The page's HTML, from the facts that lie beside the samples; files are addressed from the folder."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    song = _facts(samples / REFERENCE)
    steps = [_facts(path.parent) for path in sorted(samples.glob(f"step-*/{FACTS}"))]
    return environment.from_string(page_resource("training", "samples_page.html.j2")).render(
        run=run,
        song=song,
        steps=steps,
        sections=_sections(song, steps),
        style=Markup(page_resource("demo", "report.css") + page_resource("training", "samples_page.css")),
        script=Markup(page_resource("demo", "report.js")),
    )


def _sections(song: dict[str, Any], steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each piece with its cards, the real song first, then the newest step."""
    pieces = {piece["name"]: piece for facts in steps for piece in facts["pieces"]}
    return [
        {
            "heading": piece["heading"],
            "given": piece["given"],
            "colour": lane_colour(
                piece["targets"][0] if len(piece["targets"]) == 1 else "mix", song["slots"]
            ),
            "cards": [
                _real(piece),
                *(_card(piece, facts) for facts in reversed(steps) if _has(facts, piece)),
            ],
        }
        for piece in pieces.values()
    ]


def _real(piece: dict[str, Any]) -> dict[str, Any]:
    alone = piece["targets"][0] if len(piece["targets"]) == 1 else None
    return {
        "title": "The real song",
        "kind": "real",
        "main": f"{REFERENCE}/{alone or 'mix'}",
        "picture": f"{REFERENCE}/{alone or 'mix'}",
        "mix": f"{REFERENCE}/mix" if alone else None,
        "stems": {},
    }


def _card(piece: dict[str, Any], facts: dict[str, Any]) -> dict[str, Any]:
    start = f"step-{facts['step']:07d}/{piece['name']}"
    alone = piece["targets"][0] if piece["given"] else None
    return {
        "title": f"Step {facts['step']:,}",
        "kind": "made",
        "main": f"{start}.{alone}" if alone else start,
        "picture": start,
        "mix": start if alone else None,
        "stems": {} if alone or len(piece["targets"]) == 1 else {t: f"{start}.{t}" for t in piece["targets"]},
    }


def _has(facts: dict[str, Any], piece: dict[str, Any]) -> bool:
    return any(other["name"] == piece["name"] for other in facts["pieces"])


def _facts(folder: Path) -> dict[str, Any]:
    return json.loads((folder / FACTS).read_text(encoding="utf-8"))

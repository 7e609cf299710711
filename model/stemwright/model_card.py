"""The README that goes with a checkpoint: what it is, needs, was made of, is worth, and cannot do.

Most of it comes of the checkpoint's facts. Those known here have a place of their own, whatever else there is
stands in the table of the training; what nobody told is left out.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from stemwright.presets import Preset

LIMITS = (
    "It makes what its data had: its instruments, its genres, its tempi.",
    "Text is read as a description of the music; it knows no lyrics and no voices.",
)
"""Said of every model beside its own."""
PLACED = (
    *("title", "about", "licence", "corpora", "sound_fonts", "limits", "reproduce"),
    *("figures", "judged", "targets", "curves", "songs", "hours", "licences"),
)
"""Facts that do not go into the table of the training."""
LABELS = {
    "windows": "windows heard",
    "windows_s": "their lengths, s",
    "train_s": "time in the training loop, s",
    "judged_on": "held-out data",
    "validation": "on held-out songs",
}
"""Of facts whose own names say too little."""


def model_card(preset: Preset, origin: Mapping[str, Any]) -> str:
    """Markdown with the front matter that model hubs read."""
    facts = origin["facts"]
    sections = (
        _head(preset, facts),
        _use(),
        _section("What it needs", _table(("part", "is"), _needs(origin))),
        _section("Defaults", _table(("at inference", "value"), _defaults(preset))),
        _section("Data", _data(preset, origin)),
        _section("Training", _training(facts)),
        _section("Held-out figures", _figures(facts)),
        _section("Limits", "\n".join(f"- {limit}" for limit in (*facts.get("limits", ()), *LIMITS))),
        _section("Made by", f"```sh\n{facts['reproduce']}\n```" if facts.get("reproduce") else ""),
    )
    return "\n\n".join(section for section in sections if section) + "\n"


def _head(preset: Preset, facts: Mapping[str, Any]) -> str:
    tracks = ", ".join(preset.tracks.names)
    title = facts.get("title", f"Stemwright model, preset {preset.name}")
    about = facts.get("about", "")
    licence = f"license: {facts['licence']}\n" if facts.get("licence") else ""
    return f"""---
{licence}library_name: stemwright
pipeline_tag: text-to-audio
tags: [music, stems, diffusion]
---

# {title}

A latent diffusion model over the tracks {tracks} (JEN-1 Composer): any of them from text and from the
others, 48 kHz stereo.{f" {about}" if about else ""}"""


def _use() -> str:
    return """## Use

```sh
stemwright compose --model FOLDER --prompt "slow blues" --given drums=loop.wav --targets bass,melody --out out
```

```python
from stemwright.compose import Composer, Request
from stemwright.tasks import Task

stems = Composer.load("FOLDER").generate(Request(prompt="slow blues", task=Task(("bass", "drums"))))
```"""


def _needs(origin: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (name.replace("_", " "), f"{origin[name]} `{origin[f'{name}_fingerprint'][:12]}`")
        for name in ("codec", "text_encoder")
    ]


def _defaults(preset: Preset) -> list[tuple[str, str]]:
    sampling = preset.sampling
    return [
        ("guidance scale λ", f"{sampling.guidance_scale:g}"),
        ("text guidance", f"{sampling.text_scale:g}"),
        ("steps, solver", f"{sampling.num_steps}, {sampling.solver}"),
    ]


def _data(preset: Preset, origin: Mapping[str, Any]) -> str:
    facts = origin["facts"]
    rows = [(name, facts[name]) for name in ("songs", "hours", "licences") if name in facts]
    parts = [_table(("all data", ""), rows)]
    if corpora := facts.get("corpora"):
        parts.append(_records(corpora))
    if fonts := facts.get("sound_fonts"):
        parts.append("Played with sound fonts, none of which is part of the model:")
        parts.append(_records(fonts))
    gains = ", ".join(
        f"{name} {gain:+.1f} dB" for name, gain in zip(preset.tracks.names, origin["gains_db"], strict=True)
    )
    parts.append(f"Median gain of the corpus to {origin['loudness_lufs']:g} LUFS: {gains}.")
    return "\n\n".join(part for part in parts if part)


def _training(facts: Mapping[str, Any]) -> str:
    told = {name: value for name, value in facts.items() if name not in PLACED}
    rows = [(LABELS.get(name, name.replace("_", " ")), value) for name, value in told.items()]
    curves = f"![Losses over the training]({facts['curves']})" if facts.get("curves") else ""
    return "\n\n".join(part for part in (_table(("", ""), rows), curves) if part)


def _figures(facts: Mapping[str, Any]) -> str:
    figures = facts.get("figures")
    shares = f"{facts.get('judged', '')}\n\n{_records(figures)}".strip() if figures else ""
    return "\n\n".join(part for part in (_records(facts.get("targets") or ()), shares) if part)


def _section(title: str, body: str) -> str:
    return f"## {title}\n\n{body}" if body else ""


def _records(records: Sequence[Mapping[str, Any]]) -> str:
    """A table of records that have the same fields."""
    if not records:
        return ""
    names = tuple(records[0])
    return _table(names, [[record.get(name, "") for name in names] for record in records])


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [_row(row) for row in rows]
    return "\n".join((_row(head), "|---" * len(head) + "|", *lines)) if lines else ""


def _row(cells: Sequence[object]) -> str:
    return f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _cell(value: object) -> str:
    """A fact in a line: text as it is, numbers short, mappings as "train: 3, test: 1"."""
    if isinstance(value, Mapping):
        return ", ".join(f"{_cell(name)}: {_cell(part)}" for name, part in value.items())
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(_cell, value))
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return " ".join(text.split()).replace("|", "\\|")

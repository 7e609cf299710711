"""The page of a sweep of the guidance scale: what it found, the curve, the figures, something to hear."""

import os
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from stemwright.metrics.paired import stars
from stemwright_platform.evaluation.clip_folder import MIX, clip_folder, sound_file
from stemwright_platform.evaluation.report.wording import interval_text, number_text, part_label, task_label
from stemwright_platform.evaluation.task_name import JOINT
from stemwright_platform.sweeps.guidance_findings import OVERALL, Findings, conclusion
from stemwright_platform.sweeps.guidance_line import Line
from stemwright_platform.sweeps.guidance_plan import take_folder

PAGE, PICTURE = "index.html", "pictures/guidance.png"


def write_guidance_page(findings: Findings, out: Path, clips: Sequence[str]) -> Path:
    """Write `index.html` beside the clips it plays, whole or not at all.

    `clips`: names of the clips, of which the first that was made is heard.
    """
    path = out / PAGE
    partial = path.with_name(f".{PAGE}.{os.getpid()}")
    partial.write_text(render(findings, out, clips), encoding="utf-8")
    return partial.replace(path)


def render(findings: Findings, out: Path, clips: Sequence[str]) -> str:
    """The page's HTML; files are addressed from the sweep's folder."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    style = "".join(
        (resources.files(f"stemwright_platform.{package}") / name).read_text(encoding="utf-8")
        for package, name in (
            ("demo", "report.css"),
            ("evaluation.report", "report.css"),
            ("sweeps", "guidance.css"),
        )
    )
    template = (resources.files("stemwright_platform.sweeps") / "guidance.html.j2").read_text(
        encoding="utf-8"
    )
    return environment.from_string(template).render(
        heading=_heading(findings),
        facts=_facts(findings),
        summary=summary(findings),
        picture=PICTURE,
        alt=_alt(findings),
        columns=[f"λ = {scale:g}" for scale in findings.scales],
        chosen=None if findings.choice is None else findings.scales.index(findings.choice.scale),
        rows=_rows(findings),
        costs=_costs(findings),
        made_of=_made_of(findings),
        listening=_listening(findings, out, clips),
        style=Markup(style),
    )


def summary(findings: Findings) -> list[str]:
    """What the figures say and do not say, in sentences."""
    said = [f"{_capital(conclusion(findings))}."]
    line, plain = findings.overall, findings.plain
    if findings.choice is not None and findings.choice.scale != findings.scales[plain]:
        at = findings.scales.index(findings.choice.scale)
        gain = line.differences(plain)
        low, high = (float(bound[at]) for bound in gain.interval())
        (value,) = _scaled(findings, float(gain.values[at]))
        gained = f"{'+' if value > 0 else ''}{number_text(value, _decimals(findings))}"
        unit = " points of that way" if findings.is_share else ""
        span = _interval(findings, low, high)
        sure = ", which these clips cannot tell from nothing" if low <= 0 <= high else ""
        said.append(
            f"Against plain conditional generation (λ = 1) it gains {gained}"
            f"{unit}{f' (95 % over clips: {span})' if span else ''}{sure}."
        )
    if findings.refused:
        scales = ", ".join(f"λ = {scale:g} ({why})" for scale, why in findings.refused.items())
        said.append(f"Not to be chosen whatever its figure: {scales}.")
    said.append(
        f"Measured on {findings.clips} clips: a bar tells how far other clips of the same kind would move a "
        "figure, not what another model would want. Of several λ within one standard error of the best, or "
        "with stems as coherent as real ones, the one nearest to 1 is chosen: strong guidance costs variety."
    )
    return said


def _heading(findings: Findings) -> str:
    return "No guidance scale stands out" if findings.choice is None else f"λ = {findings.choice.scale:g}"


def _facts(findings: Findings) -> dict[str, str]:
    takes = "1 take" if findings.takes == 1 else f"{findings.takes} takes"
    shown = {name: str(value) for name, value in findings.facts.items() if value is not None}
    return {"clips": f"{findings.clips}, {takes} each at every λ", "chosen by": findings.label, **shown}


def _alt(findings: Findings) -> str:
    points = zip(findings.scales, findings.overall.values, strict=True)
    told = ", ".join(f"{_number(findings, float(value))} at λ = {scale:g}" for scale, value in points)
    return f"{findings.label} against λ: {told}"


def _rows(findings: Findings) -> list[dict[str, Any]]:
    """A row of figures for all splits together, each split, and each task that λ does not touch."""
    names = {OVERALL: "all splits"}
    rows = [
        {"label": names.get(task) or task_label(task), "cells": _cells(findings, line), "flat": False}
        for task, line in findings.lines().items()
    ]
    for task, line in findings.flat.items():
        cell = _cell(findings, line, 0, compared=False)
        rows.append({"label": f"{task_label(task)}, whatever λ", "cells": [cell], "flat": True})
    return rows


def _cells(findings: Findings, line: Line) -> list[dict[str, str]]:
    return [_cell(findings, line, q, q != findings.plain) for q in range(len(findings.scales))]


def _cell(findings: Findings, line: Line, q: int, compared: bool) -> dict[str, str]:
    low, high = (float(bound[q]) for bound in line.interval())
    return {
        "value": _number(findings, float(line.values[q])),
        "interval": _interval(findings, low, high),
        "stars": stars(line.p_value(q, findings.plain)) if compared else "",
    }


def _costs(findings: Findings) -> list[dict[str, Any]]:
    """Spread, level and distance at each λ."""
    rows = []
    for curve in findings.splits:
        if findings.takes > 1 and curve.task in findings.spreads:
            cells = [number_text(value, 2) for value in findings.relative_spread(curve.task)]
            rows.append({"label": f"spread over seeds, {task_label(curve.task)}", "cells": cells})
    for curve in findings.splits:
        if curve.task in findings.levels_db:
            cells = [number_text(value, 1) for value in findings.levels_db[curve.task]]
            rows.append({"label": f"level, dB, {task_label(curve.task)}", "cells": cells})
    if findings.frechet is not None:
        cells = [number_text(float(value), 2) for value in findings.frechet.values]
        rows.append({"label": "Fréchet distance of the mixes", "cells": cells})
    return rows


def _made_of(findings: Findings) -> list[dict[str, Any]]:
    return [
        {
            "label": task_label(curve.task),
            "cells": [
                f"{cell.score} of {part_label(cell.part)} ({number_text(cell.floor, 2)} to "
                f"{number_text(cell.ceiling, 2)})"
                for cell in curve.cells
            ],
            "left_out": list(curve.left_out),
        }
        for curve in findings.splits
        if curve.bounds is not None
    ]


def _listening(findings: Findings, out: Path, clips: Sequence[str]) -> list[dict[str, Any]]:
    """For each split the first clip that was made: its mix at every λ, the real one first."""
    found = []
    for curve in findings.splits:
        clip = next((name for name in clips if _is_made(findings, out, curve.task, name)), None)
        if clip is None:
            continue
        real = clip_folder(out, findings.ceiling, JOINT, clip)
        players = [{"label": "the real song", "address": _address(out, sound_file(real, MIX))}]
        for scale in findings.scales:
            folder = take_folder(out, scale, curve.task, clip, 0)
            players.append({"label": f"λ = {scale:g}", "address": _address(out, sound_file(folder, MIX))})
        found.append({"label": task_label(curve.task), "clip": clip, "players": players})
    return found


def _is_made(findings: Findings, out: Path, task: str, clip: str) -> bool:
    return all(take_folder(out, scale, task, clip, 0).is_dir() for scale in findings.scales)


def _address(out: Path, file: Path) -> str:
    return quote(file.relative_to(out).as_posix())


def _number(findings: Findings, value: float) -> str:
    (scaled,) = _scaled(findings, value)
    return f"{number_text(scaled, _decimals(findings))}{' %' if findings.is_share else ''}"


def _interval(findings: Findings, low: float, high: float) -> str:
    low, high = _scaled(findings, low, high)
    return interval_text(low, high, _decimals(findings))


def _scaled(findings: Findings, *values: float) -> tuple[float, ...]:
    return tuple(100 * value if findings.is_share else value for value in values)


def _decimals(findings: Findings) -> int:
    return 0 if findings.is_share else 2


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]

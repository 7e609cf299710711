"""Whether the default guidance scale is the best found: what a sweep of it says."""

import json
import math
from pathlib import Path
from typing import Any

from stemwright.errors import InputError
from stemwright_platform.assessment.context import Context
from stemwright_platform.assessment.figure import Figure, Target
from stemwright_platform.sweeps.guidance_findings import OVERALL, SWEEP

SAME = Target(bound=0.0, at_least=False)


def guidance_figures(context: Context) -> list[Figure]:
    """The default against the sweep's choice, then the curve; nothing where no sweep is named."""
    if context.plan.guidance is None:
        return []
    found = _sweep(Path(context.plan.guidance))
    default, choice = context.composer.checkpoint.sampling.guidance_scale, found["choice"]
    chosen = math.nan if choice is None else float(choice["scale"])
    why = (
        found["no_choice"]
        if choice is None
        else "as good: " + ", ".join(f"{scale:g}" for scale in choice["as_good"])
    )
    return [
        Figure(
            name="guidance.default",
            about=f"How far the default guidance scale, {default:g}, is from the best found, {chosen:g}",
            value=abs(default - chosen),
            target=SAME,
            n=int(found["clips"]),
            note=f"{why}; n windows",
        ),
        *_curve(found),
    ]


def _curve(found: dict[str, Any]) -> list[Figure]:
    """Coherence at each λ, the mean over splits."""
    line = found["curve"][OVERALL]
    rows = zip(found["scales"], line["value"], line["low"], line["high"], strict=True)
    return [
        Figure(
            name=f"guidance.at_{scale:g}",
            about=f"{str(found['by']).capitalize()} at guidance scale {scale:g}",
            value=_number(value),
            low=_number(low),
            high=_number(high),
            n=int(line["n"]),
            note=f"{found['unit']}; n windows",
        )
        for scale, value, low, high in rows
    ]


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _sweep(folder: Path) -> dict[str, Any]:
    """What a sweep wrote. InputError where the folder holds none."""
    try:
        return json.loads((folder / SWEEP).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{folder}: no sweep of the guidance scale lies there ({error})") from None

"""`stemwright assess` from a plan to its figures, part by part: a table, JSON and a page."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stemwright.errors import InputError
from stemwright_platform.assessment.assessment_page import write_assessment_page
from stemwright_platform.assessment.assessment_plan import AssessmentPlan
from stemwright_platform.assessment.context import Context
from stemwright_platform.assessment.figure import Figure, figure_of_json
from stemwright_platform.assessment.part import PARTS, Part
from stemwright_platform.evaluation.report.page_file import write_page
from stemwright_platform.serving.checkpoint_folder import checkpoint_folder

FIGURES = "assessment.json"


def assess_model(
    plan: AssessmentPlan, out: Path, parts: Sequence[Part] = PARTS, *, jobs: int | None = 1
) -> Iterator[tuple[Part, list[Figure]]]:
    """Measure part by part, each yielded as it is known and kept in OUT/assessment.json and OUT/index.html.

    Takes that are there are not made again; parts that are not asked for stay as they were. `jobs`: Ray
    actors, 1 for this process alone. Raises InputError for what a user can mend.
    """
    plan = replace(plan, model=str(checkpoint_folder(plan.model)))
    context = Context(plan, out.resolve(), jobs=jobs)
    plan.begin(context.out, context.composer.checkpoint.fingerprint)
    for part in parts:
        figures = part.measure(context)
        _write(context, part, figures)
        yield part, figures
    write_assessment_page(context.out, read_assessment(context.out))


def read_assessment(out: Path) -> dict[str, Any]:
    """What was written: "model", "music", "settings", "parts" by name. InputError where there is nothing."""
    try:
        return json.loads((out / FIGURES).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{out}: no assessment lies there ({error})") from None


def part_figures(found: dict[str, Any], part: Part) -> list[Figure]:
    """A part's figures from what was written; none where it was never measured."""
    return [figure_of_json(fields) for fields in found["parts"].get(part.name, ())]


def _write(context: Context, part: Part, figures: Sequence[Figure]) -> None:
    """The part beside those that were measured before."""
    path = context.out / FIGURES
    before = read_assessment(context.out)["parts"] if path.exists() else {}
    checkpoint, plan = context.composer.checkpoint, context.plan
    sampling = checkpoint.sampling
    found = {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "model": {"preset": checkpoint.preset.name, "fingerprint": checkpoint.fingerprint[:16]},
        "music": context.music.about,
        "settings": {
            **plan.settings,
            "steps": plan.sampling.num_steps or sampling.num_steps,
            "windows": [len(context.music.asked), len(context.music.matched)],
        },
        "parts": {**before, part.name: [figure.as_json() for figure in figures]},
    }
    write_page(path, json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False) + "\n")

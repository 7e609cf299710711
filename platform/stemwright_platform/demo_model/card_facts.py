"""What the model card tells of the demo model beside what every checkpoint knows of itself."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stemwright.dataset_info import DatasetInfo
from stemwright_platform.assessment.figure import Figure
from stemwright_platform.demo_model.command_line import reproducing
from stemwright_platform.demo_model.plan import DemoModelPlan
from stemwright_platform.demo_model.sizes import EVALUATION_CLIP_S
from stemwright_platform.time_left import duration_text

FONT_LICENCES = {
    "timgm6mb": "GPL-2",
    "musescore_general": "MIT",
    "fluidr3": "MIT",
}
"""Of well-known fonts, by how their files' names begin; none is part of a model."""
LIMITS = (
    "Most of its music was made by rule and all of it rendered with sound fonts: it has never heard a "
    "recording of people playing.",
    "Pieces much longer than its training windows have no form: ask for some seconds and build from those.",
)


def card_facts(
    plan: DemoModelPlan, figures: Sequence[Mapping[str, Any]], targets: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """Facts for `publish_checkpoint`: `figures` and `targets` as `evaluation_figures` and `target_figures`
    give them."""
    return {
        "title": "Stemwright demo model",
        "licence": "apache-2.0",
        "about": "It ships with Stemwright, so that two commands make music with no download.",
        "hardware": hardware(plan.device),
        "times": {name: duration_text(seconds) for name, seconds in stage_times(plan.out).items()},
        "corpora": [_corpus(name, DatasetInfo.load(folder)) for name, folder in plan.latents.items()],
        "sound_fonts": [{"file": font.name, "licence": font_licence(font)} for font in plan.fonts],
        "judged": _judged(plan),
        "figures": list(figures),
        "targets": list(targets),
        "limits": list(LIMITS),
        "reproduce": reproducing(plan),
    }


def evaluation_figures(report: Path) -> list[dict[str, str]]:
    """A record a score of an evaluation's folder: how far from floor to ceiling, by kind of task."""
    from stemwright_platform.evaluation.report.evaluation_folder import read_evaluation
    from stemwright_platform.evaluation.report.ways import MODES, ways

    found = ways(read_evaluation(report))
    modes = [mode for mode in MODES if any(way.mode == mode for way in found)]
    told = {(way.info.label, way.mode): f"{way.mean:.0%}" for way in found}
    labels = dict.fromkeys(way.info.label for way in found)
    return [
        {"score": label, **{mode or "any task": told.get((label, mode), "–") for mode in modes}}
        for label in labels
    ]


def target_figures(figures: Sequence[Figure]) -> list[dict[str, str]]:
    """A record for each figure of an assessment that is held to a target."""
    from stemwright_platform.assessment.figure_table import interval_text, value_text

    return [
        {
            "figure": figure.about.rstrip("."),
            "value": value_text(figure.value),
            "95 %": interval_text(figure),
            "target": str(figure.target),
            "verdict": figure.verdict,
        }
        for figure in figures
        if figure.target is not None
    ]


def font_licence(font: Path) -> str:
    """Of the file; where it is none of the well-known ones, whoever makes the model has to look."""
    name = font.name.lower()
    found = (licence for start, licence in FONT_LICENCES.items() if name.startswith(start))
    return next(found, "see the font's own text")


def hardware(device: str) -> str:
    """What the model was trained on, as "AMD EPYC 9R14, 2 cores"."""
    from stemwright_platform.demo.plan import num_cores

    if device.startswith("cuda"):
        import torch

        return torch.cuda.get_device_name(device)
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "CPU")
    return f"{model}, {num_cores()} cores"


def stage_times(out: Path) -> dict[str, float]:
    """Seconds of each stage that is done."""
    from stemwright_platform.demo.stages import FILE

    try:
        notes = json.loads((out / FILE).read_text(encoding="utf-8"))
    except OSError:
        return {}
    return {note["name"]: float(note["seconds"]) for note in notes}


def _corpus(name: str, info: DatasetInfo) -> dict[str, Any]:
    splits = ", ".join(f"{count:,} {split}" for split, count in info.num_songs.items())
    return {"corpus": name, "songs": splits, "hours": f"{info.hours:.1f}", "licences": list(info.licences)}


def _judged(plan: DemoModelPlan) -> str:
    return (
        f"On {plan.evaluation_clips} windows of {EVALUATION_CLIP_S:g} s of held-out demo songs, the share of "
        "the way from the floor (the untrained model, or stems of strangers) to the ceiling (real stems). "
        "What each score is stands in docs/evaluation.md."
    )

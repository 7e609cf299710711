"""What a sweep of the guidance scale is asked for, and where its sounds lie."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from stemwright.errors import InputError
from stemwright.guidance import Guidance
from stemwright_platform.evaluation.clip import Clip
from stemwright_platform.evaluation.clip_folder import clip_folder
from stemwright_platform.evaluation.making import Source
from stemwright_platform.evaluation.systems import SamplingChoice
from stemwright_platform.sweeps.guidance_choice import PLAIN

PLAN = "plan.json"
PREFIX = "lambda_"
DEFAULT_SCALES = (0.0, 1.0, 1.5, 2.0, 3.0, 5.0, 7.0, 9.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class GuidancePlan:
    """A sweep. All λ of a clip share its seeds, its given tracks and its absent noise."""

    source: Source
    """Model and music."""
    scales: tuple[float, ...] = DEFAULT_SCALES
    """λ in rising order, 1 among them."""
    tasks: tuple[str, ...] = ("conditional",)
    """Names or kinds of tasks, as `named_tasks` reads them."""
    split: str | None = None
    """Of the data; its own split to judge models on by default."""
    num_clips: int = 16
    """Clips a task."""
    takes: int = 2
    """Of each clip at each λ, by other seeds; with one, the spread over seeds stays unknown."""
    duration_s: float = 8.0
    """Of a clip."""
    seed: int = 0
    """Of the choice of clips and of all noise."""
    sampling: SamplingChoice = field(default_factory=SamplingChoice)
    """Other than λ."""

    def __post_init__(self) -> None:
        if self.num_clips < 1 or self.takes < 1:
            raise InputError("a sweep needs at least one clip and one take of it")
        if not 0 < self.duration_s <= 600:
            raise InputError(f"clips last between 0 and 600 seconds, not {self.duration_s:g}")
        assert self.scales == tuple(sorted({*self.scales, PLAIN}))

    def fixed(self) -> dict[str, Any]:
        """What may not change when a sweep goes on: all but λ, the tasks and where it runs."""
        facts = asdict(self)
        for name in ("scales", "tasks"):
            del facts[name]
        del facts["source"]["device"]
        del facts["sampling"]["guidance_scale"]
        return facts


@dataclass(frozen=True, kw_only=True, slots=True)
class SweepItem:
    """A clip to be made at several λ, all takes of it."""

    task: str
    clip: Clip
    scales: tuple[float, ...]


def parse_scales(text: str) -> tuple[float, ...]:
    """λ from "0,1,1.5,7", in rising order, 1 added where it is missing: all others are held against it.

    InputError for what is no number from 0 to 100.
    """
    try:
        scales = {float(word) for word in text.split(",") if word.strip()}
    except ValueError:
        raise InputError(f"--scales '{text}': give numbers from 0 to 100, as 0,1,2,3,5,7") from None
    for scale in scales:
        if not scale >= 0:  # NaN is no scale either
            raise InputError(f"--scales '{text}': give numbers from 0 to 100, as 0,1,2,3,5,7")
        Guidance(scale=scale)
    if not scales - {PLAIN}:
        raise InputError("--scales names nothing to compare with λ = 1: give several, as 0,1,2,3,5,7")
    return tuple(sorted(scales | {PLAIN}))


def system_of(scale: float) -> str:
    """The system's name in folders and tables, as "lambda_1.5"."""
    return f"{PREFIX}{scale:g}"


def take_name(clip: str, turn: int) -> str:
    """A take's folder."""
    return clip if not turn else f"{clip}.take{turn + 1}"


def take_folder(out: Path, scale: float, task: str, clip: str, turn: int) -> Path:
    """Where a take lies."""
    return clip_folder(out, system_of(scale), task, take_name(clip, turn))


def items(
    plan: GuidancePlan, out: Path, tasks: Sequence[str], clips: Sequence[Clip], targets: dict[str, set[str]]
) -> list[SweepItem]:
    """What is still to be made, each clip with the λ that it lacks; clips without a target are left out.

    `targets`: the tracks that each task makes.
    """
    found = []
    for clip in clips:
        for task in tasks:
            if not targets[task] <= set(clip.tracks) or targets[task] == set(clip.tracks):
                continue
            lacking = tuple(scale for scale in plan.scales if not _is_made(plan, out, scale, task, clip))
            if lacking:
                found.append(SweepItem(task=task, clip=clip, scales=lacking))
    return found


def keep_plan(plan: GuidancePlan, out: Path) -> None:
    """Write the plan beside what is made of it. InputError where `out` holds another sweep."""
    path = out / PLAN
    wanted = plan.fixed()
    if path.is_file():
        if differs := _difference(json.loads(path.read_text(encoding="utf-8")), wanted):
            raise InputError(
                f"{out} holds a sweep with another {differs}: give the same again, or another --out"
            )
        return
    out.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{PLAN}.{os.getpid()}")
    partial.write_text(json.dumps(wanted, indent=1) + "\n", encoding="utf-8")
    partial.replace(path)


def _is_made(plan: GuidancePlan, out: Path, scale: float, task: str, clip: Clip) -> bool:
    return all(take_folder(out, scale, task, clip.clip, turn).is_dir() for turn in range(plan.takes))


def _difference(before: dict[str, Any], wanted: dict[str, Any], path: str = "") -> str | None:
    """The first field that is not the same, with both values."""
    for name, value in wanted.items():
        old = before.get(name)
        if isinstance(value, dict) and isinstance(old, dict):
            if found := _difference(old, value, f"{name}."):
                return found
        elif old != value:
            return f"{path}{name} ({old}, not {value})"
    return None

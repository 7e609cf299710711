"""What a sweep of the guidance scale is asked for, and where its sounds lie."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from stemwright.errors import InputError
from stemwright.guidance import Guidance
from stemwright.tasks import Task
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
    weights: str
    """Digest of the model's weights."""
    scales: tuple[float, ...] = DEFAULT_SCALES
    """λ in rising order, 1 among them."""
    tasks: tuple[str, ...] = ("conditional", "joint")
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
        """What may not change when a sweep goes on: λ, the tasks and where it runs may."""
        facts = asdict(self)
        source = facts.pop("source")
        kept = {name: value for name, value in facts.items() if name not in ("scales", "tasks", "sampling")}
        sampling = {name: value for name, value in facts["sampling"].items() if name != "guidance_scale"}
        return {"data": source["data"], "manifest": source["manifest"], **kept, **sampling}


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


def suits(task: Task, clip: Clip) -> bool:
    """Whether a clip has all targets of a task, and any of what it gives."""
    there = set(clip.tracks)
    return set(task.targets) <= there and (not task.given or bool(there & set(task.given)))


def lacking(
    plan: GuidancePlan, out: Path, tasks: Mapping[str, Task], clips: Sequence[Clip]
) -> list[SweepItem]:
    """What is still to be made, each clip with the λ that it lacks.

    A task with nothing given does not depend on λ and is made once.
    """
    found = []
    for clip in clips:
        for name, task in tasks.items():
            if not suits(task, clip):
                continue
            wanted = plan.scales if task.given else (PLAIN,)
            scales = tuple(scale for scale in wanted if not _is_made(plan, out, scale, name, clip))
            if scales:
                found.append(SweepItem(task=name, clip=clip, scales=scales))
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


def _difference(before: dict[str, Any], wanted: dict[str, Any]) -> str | None:
    """The first field that is not the same, with both values."""
    found = ((name, before.get(name), value) for name, value in wanted.items() if before.get(name) != value)
    return next((f"{name} ({old}, not {new})" for name, old, new in found), None)

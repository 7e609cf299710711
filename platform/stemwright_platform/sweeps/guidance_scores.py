"""Scores of clips as figures at every λ: how far each goes from strangers' stems to real ones.

Axes: Q guidance scale, C clip, W draw of the bootstrap.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stemwright.metrics.interval import bootstrap_interval
from stemwright.tasks import Task
from stemwright_platform.evaluation.clip_folder import MIX
from stemwright_platform.evaluation.score_row import Better, ScoreInfo
from stemwright_platform.evaluation.task_name import JOINT
from stemwright_platform.sweeps.guidance_line import Floats, Line, average, mean_line
from stemwright_platform.sweeps.guidance_plan import system_of, take_name

COHERENCE = "coherence"
REAL = 1.0
"""The coherence of real stems, as a share of the way to them."""
COHERENCE_SCORES = ("beat_agreement", "onset_lock", "chroma_agreement")
"""What the criterion of that name is made of: agreement of tempo and key would be the strangers', too."""
FLOOR = "shuffled"
FEWEST_CLIPS = 4
"""That tell a score's floor from its ceiling; the interval of fewer is too easily above nothing."""

Values = Mapping[tuple[str, str, str, str], Mapping[str, float]]
"""(system, task, score, part) → clip → value, NaN where it could not be measured."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """A score of a part, and the way that it can go."""

    score: str
    part: str
    floor: float
    """Mean over the clips of strangers' stems."""
    ceiling: float
    """Of real ones."""

    def share(self, values: Floats) -> Floats:
        """0 at the floor, 1 at the ceiling."""
        return (values - self.floor) / (self.ceiling - self.floor)


@dataclass(frozen=True, kw_only=True, slots=True)
class SplitCurve:
    """A task's criterion at every λ."""

    task: str
    line: Line
    bounds: tuple[Line, Line] | None
    """Floor and ceiling on the same scale, each a line of one value; None for a score without them."""
    cells: tuple[Cell, ...] = ()
    """What the figure is the mean of."""
    left_out: tuple[str, ...] = ()
    """Scores of parts that cannot tell real from strangers' stems on these clips."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """What a curve is made of."""

    scales: Sequence[float]
    clips: Sequence[str]
    made: frozenset[str]
    """Those of them that the task was made of; the others lack one of its tracks."""
    takes: int
    ceiling: str
    """The system of real stems: "real", or "round_trip" where there are no recordings."""


def indexed(rows: Sequence[Mapping[str, Any]]) -> Values:
    """Rows of clip_scores.parquet by what they are of."""
    found: dict[tuple[str, str, str, str], dict[str, float]] = {}
    for row in rows:
        key = row["system"], row["task"], row["score"], row["part"]
        found.setdefault(key, {})[row["clip"]] = math.nan if row["value"] is None else float(row["value"])
    return found


def criterion_scores(by: str, infos: Sequence[ScoreInfo]) -> tuple[ScoreInfo, ...]:
    """The scores that a criterion is made of: all of coherence, or the one named; none where unknown."""
    wanted = COHERENCE_SCORES if by == COHERENCE else (by,)
    return tuple(info for info in infos if info.score in wanted and info.better != "neither")


def better_of(by: Sequence[ScoreInfo], curves: Sequence[SplitCurve]) -> Better:
    """Where good lies: shares of the way to real stems are always better high."""
    return "higher" if any(curve.bounds for curve in curves) else by[0].better


def split_curve(
    values: Values, ask: Ask, task: Task, name: str, by: Sequence[ScoreInfo], counts: Floats
) -> SplitCurve:
    """The mean over scores and parts: shares of the way where floor and ceiling are known, else as it is.

    `task`: what `name` stands for; `counts [W, C]`: draws of clips.
    """
    known = [(info, part) for info in by for part in parts_of(values, ask, info.score, name, task)]
    bounded = [(info, part) for info, part in known if _bounds(values, ask, info.score, part) is not None]
    if not bounded:
        raw = [_at_every_scale(values, ask, name, info.score, part) for info, part in known]
        return SplitCurve(task=name, line=mean_line(_mean(raw, ask), counts), bounds=None)
    found = {f"{info.score} of {part}": _cell(values, ask, info, part) for info, part in bounded}
    cells = tuple(cell for cell in found.values() if cell is not None)
    shares = [_shares(values, ask, name, cell) for cell in cells]
    ends = (_reference(values, ask, system, cells) for system in (FLOOR, ask.ceiling))
    floor, ceiling = (mean_line(end, counts) for end in ends)
    return SplitCurve(
        task=name,
        line=mean_line(_mean(shares, ask), counts),
        bounds=(floor, ceiling),
        cells=cells,
        left_out=tuple(what for what, cell in found.items() if cell is None),
    )


def overall(curves: Sequence[SplitCurve]) -> Line:
    """The mean over splits."""
    return average([curve.line for curve in curves])


def parts_of(values: Values, ask: Ask, score: str, name: str, task: Task) -> list[str]:
    """Parts that a task's targets have a hand in: themselves, their pairs with what sounds, the mix."""
    found = {
        part
        for (system, of_task, of_score, part) in values
        if of_score == score and of_task == name and system == system_of(ask.scales[0])
    }
    sounding = {*task.targets, *task.given}

    def is_theirs(part: str) -> bool:
        tracks = set(part.split("|"))
        return part == MIX or (bool(tracks & set(task.targets)) and tracks <= sounding)

    return sorted(filter(is_theirs, found))


def of_takes(values: Mapping[str, float], clip: str, takes: int) -> float:
    """The mean over a clip's takes; NaN where none could be measured."""
    found = [values.get(take_name(clip, turn), math.nan) for turn in range(takes)]
    known = [value for value in found if math.isfinite(value)]
    return sum(known) / len(known) if known else math.nan


def _at_every_scale(values: Values, ask: Ask, task: str, score: str, part: str) -> Floats:
    """[Q, C]."""
    rows = [values.get((system_of(scale), task, score, part), {}) for scale in ask.scales]
    return np.array([[of_takes(row, clip, ask.takes) for clip in ask.clips] for row in rows])


def _shares(values: Values, ask: Ask, task: str, cell: Cell) -> Floats:
    """[Q, C]. What cannot be measured in what was made, though it can in the real stems, is at the floor."""
    real = _of_reference(values, ask, ask.ceiling, cell.score, cell.part)
    shares = cell.share(_at_every_scale(values, ask, task, cell.score, cell.part))
    shares = np.where(np.isfinite(shares), shares, 0.0)
    made = np.array([clip in ask.made for clip in ask.clips])
    return np.where(made & np.isfinite(real), shares, np.nan)


def _reference(values: Values, ask: Ask, system: str, cells: Sequence[Cell]) -> Floats:
    """[1, C]."""
    found = [cell.share(_of_reference(values, ask, system, cell.score, cell.part))[None] for cell in cells]
    return _mean(found, ask)[:1]


def _of_reference(values: Values, ask: Ask, system: str, score: str, part: str) -> Floats:
    """[C]; references are the same whatever the task."""
    row = values.get((system, JOINT, score, part), {})
    return np.array([row.get(clip, math.nan) for clip in ask.clips])


def _mean(parts: Sequence[Floats], ask: Ask) -> Floats:
    """Over scores and parts, those that are NaN left out; all NaN where there are none."""
    if not parts:
        return np.full((len(ask.scales), len(ask.clips)), np.nan)
    stack = np.stack(parts)
    known = np.isfinite(stack)
    total, count = np.where(known, stack, 0.0).sum(0), known.sum(0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _bounds(values: Values, ask: Ask, score: str, part: str) -> tuple[Floats, Floats] | None:
    """Strangers' and real stems' values by clip; None where one of them was never measured."""
    if (FLOOR, JOINT, score, part) not in values or (ask.ceiling, JOINT, score, part) not in values:
        return None
    floor = _of_reference(values, ask, FLOOR, score, part)
    return floor, _of_reference(values, ask, ask.ceiling, score, part)


def _cell(values: Values, ask: Ask, info: ScoreInfo, part: str) -> Cell | None:
    """None where real stems are not surely better than strangers': a share of noise would be noise."""
    bounds = _bounds(values, ask, info.score, part)
    assert bounds is not None
    floor, ceiling = bounds
    sign = 1 if info.better == "higher" else -1
    gap = bootstrap_interval(sign * (ceiling - floor))
    if gap.n < FEWEST_CLIPS or not gap.low > 0:
        return None
    return Cell(
        score=info.score, part=part, floor=float(np.nanmean(floor)), ceiling=float(np.nanmean(ceiling))
    )

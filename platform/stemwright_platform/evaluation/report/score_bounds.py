"""Where a figure lies between its floor and its ceiling."""

import math
from dataclasses import dataclass

from stemwright_platform.evaluation.report.evaluation_folder import EvaluationReport
from stemwright_platform.evaluation.report.score_group import group_of
from stemwright_platform.evaluation.report.wording import CEILINGS, FLOORS
from stemwright_platform.evaluation.score_row import ScoreInfo, ScoreRow


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """Of a score, a task and a part: the better of the floors and the better of the ceilings, so that a
    figure has to beat both floors to be above 0 and reach both ceilings to be at 1."""

    floor: ScoreRow | None
    ceiling: ScoreRow | None

    def share(self, value: float) -> float:
        """(x − floor) / (ceiling − floor); NaN where a bound is missing or the two cannot be told apart."""
        if self.floor is None or self.ceiling is None:
            return math.nan
        span = self.ceiling.value - self.floor.value
        return (value - self.floor.value) / span if span and not self.reason else math.nan

    @property
    def reason(self) -> str:
        """Why there is no share; empty where there is one."""
        if self.floor is None:
            return "no floor was measured"
        if self.ceiling is None:
            return "no ceiling was measured"
        upward = self.ceiling.value > self.floor.value
        low, high = (self.floor, self.ceiling) if upward else (self.ceiling, self.floor)
        return "floor and ceiling cannot be told apart" if not low.high < high.low else ""


def bounds_of(evaluation: EvaluationReport, score: str, task: str, part: str) -> Bounds:
    """The bounds of a figure; none for a score that is neither better high nor low."""
    info = evaluation.infos.get(score)
    if info is None or info.better == "neither":
        return Bounds(floor=None, ceiling=None)
    floor = _best(evaluation, info, floors_of(score), task, part)
    ceiling = _best(evaluation, info, CEILINGS, task, part)
    if floor and ceiling and (ceiling.value - floor.value) * (1 if info.better == "higher" else -1) <= 0:
        # a floor that is as good as the ceiling bounds nothing
        return Bounds(floor=floor, ceiling=None)
    return Bounds(floor=floor, ceiling=ceiling)


def floors_of(score: str) -> tuple[str, ...]:
    """Shuffled stems bound how stems fit alone: each of them is as good a sound as any recording."""
    return FLOORS if group_of(score).name == "coherence" else ("untrained",)


def _best(
    evaluation: EvaluationReport, info: ScoreInfo, systems: tuple[str, ...], task: str, part: str
) -> ScoreRow | None:
    found = [reference_row(evaluation, info.score, system, task, part) for system in systems]
    known = [row for row in found if row is not None and math.isfinite(row.value)]
    sign = 1 if info.better == "higher" else -1
    return max(known, key=lambda row: sign * row.value, default=None)


def reference_row(
    evaluation: EvaluationReport, score: str, system: str, task: str, part: str
) -> ScoreRow | None:
    """A reference's figure for a task: its own of this task, of no task, else of the joint task.

    Real songs are the same whatever a model was asked for, so one figure of theirs serves all tasks.
    """
    row = evaluation.row(score, system, task, part)
    if row is None and system != "untrained":
        row = evaluation.row(score, system, "joint", part)
    return row

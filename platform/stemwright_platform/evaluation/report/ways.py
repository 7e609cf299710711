"""How far a model has come from floor to ceiling, score by score and mode by mode."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from stemwright_platform.evaluation.report.evaluation_folder import EvaluationReport
from stemwright_platform.evaluation.report.frechet_table import is_limit
from stemwright_platform.evaluation.report.score_bounds import bounds_of
from stemwright_platform.evaluation.report.score_table import Column, Figure, Line, ScoreTable
from stemwright_platform.evaluation.report.wording import MODEL, NOTHING, percent_text, task_mode
from stemwright_platform.evaluation.score_row import ScoreInfo

MODES = ("", "joint", "conditional", "mixed", "marginal")


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """How far the model is from floor to ceiling by one score in tasks of one mode."""

    info: ScoreInfo
    mode: str
    shares: Sequence[float]
    """A figure each."""

    @property
    def mean(self) -> float:
        return fmean(self.shares)


def ways(evaluation: EvaluationReport) -> list[Way]:
    """Scores in the order of the report, modes as they come; only figures that have a share."""
    found: dict[tuple[str, str], list[float]] = {}
    for row in evaluation.rows:
        if row.system != MODEL or row.score not in evaluation.infos or is_limit(row.score):
            continue
        share = bounds_of(evaluation, row.score, row.task, row.part).share(row.value)
        if math.isfinite(share):
            found.setdefault((row.score, task_mode(row.task, evaluation.tracks)), []).append(share)
    order = list(evaluation.infos)
    pairs = sorted(found, key=lambda pair: (order.index(pair[0]), MODES.index(pair[1])))
    return [Way(info=evaluation.infos[s], mode=mode, shares=found[s, mode]) for s, mode in pairs]


def ways_table(evaluation: EvaluationReport) -> ScoreTable:
    """A line a score, a column a mode: the mean share of its figures."""
    found = ways(evaluation)
    modes = [mode for mode in MODES if any(way.mode == mode for way in found)]
    by_place = {(way.info.score, way.mode): way for way in found}
    lines = [
        Line(label=label, role="part", figures=[_figure(by_place.get((score, mode))) for mode in modes])
        for score, label in dict.fromkeys((way.info.score, way.info.label) for way in found)
    ]
    return ScoreTable(
        heading="",
        about="",
        arrow="↑",
        columns=[Column(label=mode or "any task", role="made", mode=mode) for mode in modes],
        lines=lines,
        first="share of the way",
    )


def _figure(way: Way | None) -> Figure:
    if way is None:
        return Figure(text=NOTHING, about="Nothing with a floor and a ceiling was measured.")
    count = len(way.shares)
    span = f"{percent_text(min(way.shares))} to {percent_text(max(way.shares))}"
    about = f"{way.info.label}: the mean of {count} figures, from {span}." if count > 1 else "One figure."
    return Figure(text=percent_text(way.mean), share=way.mean, about=about)

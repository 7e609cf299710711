"""Tables of a report: figures with their intervals, between floor and ceiling, as the page shows them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from stemwright_platform.evaluation.report.evaluation_folder import EvaluationReport
from stemwright_platform.evaluation.report.score_bounds import bounds_of, reference_row
from stemwright_platform.evaluation.report.wording import (
    CEILINGS,
    FLOORS,
    MIX,
    MODEL,
    NOTHING,
    interval_text,
    number_text,
    part_label,
    part_order,
    percent_text,
    role_of,
    system_label,
    task_label,
    task_mode,
    task_order,
)
from stemwright_platform.evaluation.score_row import ScoreInfo, ScoreRow
from stemwright_platform.evaluation.task_name import JOINT

ROW_ORDER = ("shuffled", "untrained", "", "model", "round_trip", "real")
"""Systems down a table: floors, baselines (""), the model, ceilings."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """A cell."""

    text: str
    """The value, "–" where there is none."""
    interval: str = ""
    extra: str = ""
    """A further line."""
    share: float = math.nan
    """Of the way from floor to ceiling."""
    stars: str = ""
    about: str = ""
    """What hovering or tapping tells: what it is, of how many, against what; why it is missing."""

    @property
    def share_text(self) -> str:
        """As "62 %", empty where there is none."""
        return percent_text(self.share) if math.isfinite(self.share) else ""

    @property
    def bar(self) -> float:
        """Percent of the bar that is filled."""
        return 100 * min(1.0, max(0.0, self.share)) if math.isfinite(self.share) else 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A column's heading."""

    label: str
    role: str
    """floor, made or ceiling; "part" where columns are parts."""
    mode: str = ""
    """The task's, for its colour."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A row of figures."""

    label: str
    role: str
    figures: Sequence[Figure]
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoreTable:
    """A table with its heading."""

    heading: str
    about: str
    arrow: str
    """↑, ↓ or nothing."""
    columns: Sequence[Column]
    lines: Sequence[Line]
    first: str
    """Above the lines' labels."""
    notes: Sequence[str] = field(default_factory=tuple)
    """Below: what the figures hang on."""


def arrow(info: ScoreInfo) -> str:
    """Where better lies."""
    return {"higher": "↑", "lower": "↓"}.get(info.better, "")


def systems_table(
    evaluation: EvaluationReport,
    info: ScoreInfo,
    task: str = JOINT,
    preferred: Mapping[str, Figure] | None = None,
) -> ScoreTable:
    """A line a system, a column a part: the form of the paper's Table 1.

    `preferred`: RPR by system, for one more column. The model's stars are those of its comparison with the
    best baseline.
    """
    rows = [row for row in evaluation.rows if row.score == info.score and row.task in (task, "", JOINT)]
    parts = sorted({row.part for row in rows}, key=lambda part: part_order(part, evaluation.tracks))
    stars, against = _stars(evaluation, info, task)
    lines = []
    for system in ordered_systems({row.system for row in rows}):
        found = [reference_row(evaluation, info.score, system, task, part) for part in parts]
        figures = [
            figure_of(evaluation, info, row, task, part, stars.get(part, "") if system == MODEL else "")
            for row, part in zip(found, parts, strict=True)
        ]
        if preferred is not None:
            figures.append(preferred.get(system, Figure(text=NOTHING, about="No votes on this system.")))
        if any(row is not None for row in found):
            lines.append(Line(label=system_label(system), role=role_of(system), figures=figures))
    columns = [Column(label=part_label(part), role="part") for part in parts]
    if preferred is not None:
        columns.append(Column(label="RPR ↑", role="part"))
    notes = _notes(rows)
    if any(stars.values()):
        notes.append(
            f"* p < 0.05, ** p < 0.01 against {against}, paired by clip, corrected for all figures of "
            "the score (Holm)."
        )
    return ScoreTable(
        heading=f"{info.label} {arrow(info)}".strip(),
        about=info.about,
        arrow=arrow(info),
        columns=columns,
        lines=lines,
        first=f"{task_label(task, evaluation.tracks)}",
        notes=notes,
    )


def bounds_table(evaluation: EvaluationReport, info: ScoreInfo) -> ScoreTable:
    """A line a part, columns from floor over all that was made, by task, to ceiling."""
    rows = [row for row in evaluation.rows if row.score == info.score]
    present = {row.system for row in rows}
    tracks = evaluation.tracks
    made = sorted(
        {(row.system, row.task) for row in rows if role_of(row.system) == "made"},
        key=lambda pair: (pair[0] != MODEL, pair[0], task_order(pair[1], tracks)),
    )
    floors, ceilings = ([s for s in systems if s in present] for systems in (FLOORS, CEILINGS))
    columns = [
        *(Column(label=system_label(s), role="floor") for s in floors),
        *(
            Column(
                label=_made_label(s, t, evaluation),
                role="made",
                mode=task_mode(t, tracks) if s == MODEL else "",
            )
            for s, t in made
        ),
        *(Column(label=system_label(s), role="ceiling") for s in ceilings),
    ]
    lines = []
    for part in sorted({row.part for row in rows}, key=lambda part: part_order(part, tracks)):
        bounding = {s: _bounding_row(evaluation, info.score, s, part) for s in (*floors, *ceilings)}
        figures = [
            *(figure_of(evaluation, info, bounding[s], JOINT, part) for s in floors),
            *(figure_of(evaluation, info, evaluation.row(info.score, s, t, part), t, part) for s, t in made),
            *(figure_of(evaluation, info, bounding[s], JOINT, part) for s in ceilings),
        ]
        lines.append(Line(label=part_label(part), role="part", figures=figures))
    return ScoreTable(
        heading=f"{info.label} {arrow(info)}".strip(),
        about=info.about,
        arrow=arrow(info),
        columns=columns,
        lines=lines,
        first="",
        notes=_notes(rows),
    )


def figure_of(
    evaluation: EvaluationReport, info: ScoreInfo, row: ScoreRow | None, task: str, part: str, stars: str = ""
) -> Figure:
    """The cell of a row; what is made gets its share of the way from floor to ceiling."""
    what = f"{info.label}, {part_label(part)}"
    if row is None:
        return Figure(text=NOTHING, about=f"{what}: not measured here.")
    if not math.isfinite(row.value):
        return Figure(text=NOTHING, about=f"{what}: {row.note or 'nothing could be measured'} (n = {row.n}).")
    share, way = math.nan, ""
    if role_of(row.system) == "made" and info.better != "neither":
        bounds = bounds_of(evaluation, info.score, task, part)
        share = bounds.share(row.value)
        way = "" if math.isfinite(share) else f" No share of the way: {bounds.reason}."
        if math.isfinite(share) and bounds.floor and bounds.ceiling:
            way = (
                f" {percent_text(share)} of the way from {system_label(bounds.floor.system)} "
                f"({number_text(bounds.floor.value, info.decimals)}) to "
                f"{system_label(bounds.ceiling.system)} ({number_text(bounds.ceiling.value, info.decimals)})."
            )
    interval = interval_text(row.low, row.high, info.decimals)
    facts = [
        f"n = {row.n:,}",
        *([f"95 % interval {interval}"] if interval else []),
        *([row.note] * bool(row.note)),
    ]
    task_word = task_label(row.task, evaluation.tracks) if row.task else "any task"
    return Figure(
        text=number_text(row.value, info.decimals),
        interval=interval,
        share=share,
        stars=stars,
        about=f"{what}; {system_label(row.system)}, {task_word}. {info.about} {'; '.join(facts)}.{way}",
    )


def ordered_systems(systems: set[str]) -> list[str]:
    """Floors, baselines by name, the model, ceilings."""
    return sorted(systems, key=lambda s: (ROW_ORDER.index(s if s in ROW_ORDER else ""), s))


def best_baseline(evaluation: EvaluationReport, info: ScoreInfo, task: str = JOINT) -> str | None:
    """The baseline with the best mix by this score (the best mean over parts where no mix is scored)."""
    sign = 1 if info.better == "higher" else -1
    means: dict[str, list[float]] = {}
    rows = [
        row
        for row in evaluation.rows
        if row.score == info.score and row.task in (task, "") and math.isfinite(row.value)
    ]
    mixed = [row for row in rows if row.part == MIX] or rows
    for row in mixed:
        if row.system != MODEL and role_of(row.system) == "made":
            means.setdefault(row.system, []).append(row.value)
    return max(means, key=lambda name: sign * sum(means[name]) / len(means[name]), default=None)


def _stars(evaluation: EvaluationReport, info: ScoreInfo, task: str) -> tuple[dict[str, str], str]:
    """Part → stars where the model is the better, and whom it was compared with."""
    baseline = best_baseline(evaluation, info, task)
    found = {}
    for row in evaluation.comparisons:
        if (row.score, row.task, row.a, row.b) != (info.score, task, MODEL, baseline):
            continue
        better = (row.difference > 0) == (info.better == "higher")
        found[row.part] = row.stars if better else ""
    return found, baseline or ""


def _bounding_row(evaluation: EvaluationReport, score: str, system: str, part: str) -> ScoreRow | None:
    """A floor's or ceiling's figure: of the joint task or none, else the first there is."""
    row = evaluation.row(score, system, JOINT, part)
    others = (r for r in evaluation.rows if (r.score, r.system, r.part) == (score, system, part))
    return row or next(others, None)


def _made_label(system: str, task: str, evaluation: EvaluationReport) -> str:
    label = task_label(task, evaluation.tracks) if task else ""
    if system == MODEL:
        return label or MODEL
    return f"{system_label(system)}, {label}" if label and task != JOINT else system_label(system)


def _notes(rows: Sequence[ScoreRow]) -> list[str]:
    """What the rows say of themselves, each once."""
    counts = {row.n for row in rows if row.n}
    numbers = (
        f"n from {min(counts):,} to {max(counts):,}" if len(counts) > 1 else f"n = {min(counts, default=0):,}"
    )
    distinct = list(dict.fromkeys(row.note for row in rows if row.note and math.isfinite(row.value)))
    return [numbers + (f"; {distinct[0]}." if len(distinct) == 1 else ".")]

"""Fréchet distances in the form of the paper's Table 3: method, data set, distance, its limit, n."""

import math

from stemwright_platform.evaluation.report.evaluation_folder import EvaluationReport
from stemwright_platform.evaluation.report.score_group import grouped
from stemwright_platform.evaluation.report.score_table import (
    Column,
    Figure,
    Line,
    ScoreTable,
    figure_of,
    ordered_systems,
)
from stemwright_platform.evaluation.report.wording import (
    JOINT,
    MIX,
    NOTHING,
    part_label,
    part_order,
    role_of,
    system_label,
    task_label,
    task_order,
)
from stemwright_platform.evaluation.score_row import ScoreInfo, ScoreRow

_LIMIT = ("infinity", "infinite", "inf", "∞")


def is_limit(score: str) -> bool:
    """Whether the score is the extrapolation of another to endless n."""
    return any(word in score.replace("-", "_").replace(".", "_").split("_") for word in _LIMIT)


def limits_of(infos: list[ScoreInfo]) -> dict[str, str]:
    """Distance → its limit, where both are measured: names that are the same but for the word for it."""
    plain = {_without_limit(info.score): info.score for info in infos if is_limit(info.score)}
    return {
        info.score: plain[_without_limit(info.score)]
        for info in infos
        if not is_limit(info.score) and _without_limit(info.score) in plain
    }


def frechet_tables(evaluation: EvaluationReport) -> list[ScoreTable]:
    """A table a part, the mix first: a line a system and task; distance, limit and n an embedding."""
    infos = next(
        (infos for group, infos in grouped(evaluation.infos.values()) if group.name == "quality"), []
    )
    names = {info.score for info in infos}
    rows = [row for row in evaluation.rows if row.score in names]
    tracks = evaluation.tracks
    parts = sorted({row.part for row in rows}, key=lambda p: (p != MIX, part_order(p, tracks)))
    return [_table(evaluation, infos, [row for row in rows if row.part == part], part) for part in parts]


def _table(
    evaluation: EvaluationReport, infos: list[ScoreInfo], rows: list[ScoreRow], part: str
) -> ScoreTable:
    limits = limits_of(infos)
    shown = [info for info in infos if info.score not in limits.values()]
    columns = [Column(label="data set", role="part")]
    for info in shown:
        columns.append(Column(label=f"{info.label} ↓", role="part"))
        columns += [Column(label="at endless n", role="part")] * (info.score in limits)
        columns.append(Column(label="n", role="part"))
    lines = []
    for system in ordered_systems({row.system for row in rows}):
        tasks = sorted(
            {r.task for r in rows if r.system == system}, key=lambda task: task_order(task, evaluation.tracks)
        )
        for task in tasks:
            of_line = {row.score: row for row in rows if (row.system, row.task) == (system, task)}
            figures = [Figure(text=evaluation.data_name)]
            for info in shown:
                figures += _figures(evaluation, info, limits.get(info.score), of_line, task, part)
            named = (
                ""
                if task in ("", JOINT) or role_of(system) != "made"
                else task_label(task, evaluation.tracks)
            )
            lines.append(Line(label=system_label(system), role=role_of(system), figures=figures, note=named))
    notes = dict.fromkeys(row.note for row in rows if row.note and math.isfinite(row.value))
    return ScoreTable(
        heading="The mix" if part == MIX else part_label(part),
        about=shown[0].about if shown else "",
        arrow="↓",
        columns=columns,
        lines=lines,
        first="method",
        notes=list(notes)[:4],
    )


def _figures(
    evaluation: EvaluationReport,
    info: ScoreInfo,
    limit: str | None,
    rows: dict[str, ScoreRow],
    task: str,
    part: str,
) -> list[Figure]:
    row = rows.get(info.score)
    figures = [figure_of(evaluation, info, row, task, part)]
    if limit is not None:
        figures.append(figure_of(evaluation, evaluation.infos[limit], rows.get(limit), task, part))
    return [*figures, Figure(text=f"{row.n:,}" if row else NOTHING)]


def _without_limit(score: str) -> str:
    words = score.replace("-", "_").replace(".", "_").split("_")
    return "_".join(word for word in words if word not in _LIMIT)

"""Comparisons as a table: a line a score and part, a column a task, each cell a difference with its stars."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from stemwright.tracks import Tracks
from stemwright_platform.evaluation.report.evaluation_folder import ComparedScore
from stemwright_platform.evaluation.report.score_table import Column, Figure, Line, ScoreTable, arrow
from stemwright_platform.evaluation.report.wording import (
    NOTHING,
    interval_text,
    listed,
    number_text,
    p_text,
    part_label,
    part_order,
    system_label,
    task_label,
    task_mode,
    task_order,
)
from stemwright_platform.evaluation.score_row import ScoreInfo

HOLM = (
    "Each cell is the mean difference over the same clips, with its 95 % interval and its p-value. "
    "* p < 0.05, ** p < 0.01, corrected for the figures of one score (Holm); a difference without a star may "
    "be chance."
)


Means = Mapping[tuple[str, str, str], tuple[float, float]]
"""Score, task, part → what the two systems have."""


def comparison_table(
    rows: Sequence[ComparedScore], infos: Mapping[str, ScoreInfo], tracks: Tracks, means: Means
) -> ScoreTable:
    """A line a score and part, in the order of `infos`, a column a task."""
    rows = [row for row in rows if row.score in infos]
    tasks = sorted({row.task for row in rows}, key=lambda task: task_order(task, tracks))
    order = list(infos)
    places = sorted(
        {(row.score, row.part) for row in rows},
        key=lambda place: (order.index(place[0]), part_order(place[1], tracks)),
    )
    found = {(row.score, row.part, row.task): row for row in rows}
    lines = [
        Line(
            label=f"{infos[score].label} {arrow(infos[score])}",
            note=part_label(part),
            role="part",
            figures=[
                _cell(found.get((score, part, task)), infos[score], tracks, means.get((score, task, part)))
                for task in tasks
            ],
        )
        for score, part in places
    ]
    return ScoreTable(
        heading="",
        about="",
        arrow="",
        columns=[
            Column(label=task_label(task, tracks), role="made", mode=task_mode(task, tracks))
            for task in tasks
        ],
        lines=lines,
        first="score, part",
        notes=[_counted(rows), *_too_few(rows)] if rows else [],
    )


def _counted(rows: Sequence[ComparedScore]) -> str:
    numbers = sorted({row.n for row in rows})
    span = f"{numbers[0]:,} to {numbers[-1]:,}" if len(numbers) > 1 else f"{numbers[0]:,}"
    return f"{span} pairs of clips, {listed(sorted({row.test for row in rows}))} test, {len(rows)} figures."


def _too_few(rows: Sequence[ComparedScore]) -> list[str]:
    """A warning where so few pairs, among so many figures, can never give a star (2ⁿ flips of signs)."""
    family = Counter(row.score for row in rows)
    barred = [row for row in rows if family[row.score] * 2.0 ** (1 - row.n) >= 0.05]
    if not barred:
        return []
    return [f"{len(barred)} of the figures have too few pairs to get a star however large the difference."]


def _cell(
    row: ComparedScore | None, info: ScoreInfo, tracks: Tracks, both: tuple[float, float] | None
) -> Figure:
    if row is None or not math.isfinite(row.difference):
        return Figure(text=NOTHING, about="Fewer than two clips have this score in both.")
    better = (row.difference > 0) == (info.better == "higher")
    who = system_label(row.a if better else row.b)
    told = f"{who} is better" if row.stars else "no difference that chance could not make"
    sign = "+" if row.difference > 0 and number_text(row.difference, info.decimals).strip("0.,") else ""
    return Figure(
        text=f"{sign}{number_text(row.difference, info.decimals)}",
        interval=" · ".join(
            filter(None, (interval_text(row.low, row.high, info.decimals), f"p {p_text(row.p_holm)}"))
        ),
        extra=" − ".join(number_text(value, info.decimals) for value in both) if both else "",
        stars=row.stars,
        about=f"{info.label}, {part_label(row.part)}, {task_label(row.task, tracks)}: {system_label(row.a)} "
        f"minus {system_label(row.b)} over {row.n} clips; p = {p_text(row.p_value)} alone, "
        f"{p_text(row.p_holm)} corrected: {told}.",
    )

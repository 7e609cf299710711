"""The page of two evaluations: differences, the clips that tell them apart, and what they were asked."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stemwright_platform.evaluation.report.comparison import wins
from stemwright_platform.evaluation.report.comparison_table import HOLM, comparison_table
from stemwright_platform.evaluation.report.difference_picture import draw_differences
from stemwright_platform.evaluation.report.evaluation_folder import (
    CLIPS,
    PICTURES,
    ComparedScore,
    EvaluationReport,
    find_clip,
)
from stemwright_platform.evaluation.report.example_players import Side, Wanted, sides_of
from stemwright_platform.evaluation.report.page_file import fill, told_fact, write_page
from stemwright_platform.evaluation.report.report_comparison import ReportComparison
from stemwright_platform.evaluation.report.report_page import PAGE, shown_example, shown_picture
from stemwright_platform.evaluation.report.score_group import group_of
from stemwright_platform.evaluation.report.score_table import Column, Line, ScoreTable, arrow, figure_of
from stemwright_platform.evaluation.report.summary import LIMITS
from stemwright_platform.evaluation.report.wording import (
    JOINT,
    MODEL,
    number_text,
    part_label,
    task_label,
)

NUM_EXAMPLES = 3
"""Scores that clips are chosen by."""


def write_comparison_page(compared: ReportComparison, out: Path) -> Path:
    """Write `index.html`, a picture and the clips that it plays into `out`."""
    picture = draw_differences(
        compared.rows, compared.infos, compared.names, compared.a.tracks, out / PICTURES / "differences.png"
    )
    html = fill(
        "comparison.html.j2",
        names=compared.names,
        facts=_facts(compared),
        summary=sentences(compared),
        picture=shown_picture(picture, out) if picture else None,
        about=HOLM,
        table=comparison_table(compared.rows, compared.infos, compared.a.tracks, compared.means),
        sets=_sets(compared),
        examples=_examples(compared, out),
        differing={
            name: [told_fact(value) or "–" for value in pair] for name, pair in compared.differing.items()
        },
    )
    return write_page(out / PAGE, html)


def sentences(compared: ReportComparison) -> list[str]:
    """What the figures say, and what not."""
    better, worse, open_ = wins(compared.rows, compared.infos)
    first, second = compared.names
    total = len(compared.rows)
    told = [
        f"On {len(compared.clips):,} clips that both were asked for, {first} is better in {better} and "
        f"{second} in {worse} of {total} figures; {open_} cannot be told apart (p < 0.05, corrected for the "
        "figures of one score)."
    ]
    best = max(compared.rows, key=_clearness, default=None)
    if best is not None and best.stars:
        info = compared.infos[best.score]
        winner = first if (best.difference > 0) == (info.better == "higher") else second
        task = task_label(best.task, compared.a.tracks)
        told.append(
            f"The clearest: {info.label} of {part_label(best.part)} ({task}), where "
            f"{winner} is ahead by {number_text(abs(best.difference), info.decimals)}."
        )
    left_out = len({*compared.a.clips, *compared.b.clips}) - len(compared.clips)
    if left_out:
        told.append(f"{left_out} clips that only one of them has are left out.")
    return [*told, LIMITS]


def _clearness(row: ComparedScore) -> float:
    """Difference in units of its interval; 0 without a star."""
    width = row.high - row.low
    return abs(row.difference) / width if row.stars and width > 0 else 0.0


def _facts(compared: ReportComparison) -> dict[str, str]:
    created = [e.created.replace("T", " ").removesuffix("+00:00") for e in (compared.a, compared.b)]
    return {
        "clips": f"{len(compared.clips):,}",
        "figures": f"{len(compared.rows):,}",
        **dict(zip((f"{name}, evaluated" for name in compared.names), created, strict=True)),
    }


def _sets(compared: ReportComparison) -> ScoreTable | None:
    """Distances of whole sets: both figures, and no test, for there are no pairs."""
    infos = [info for info in compared.infos.values() if group_of(info.score).name == "quality"]
    places = [
        (info, row.task, row.part)
        for info in infos
        for row in compared.a.rows
        if (row.score, row.system) == (info.score, MODEL)
    ]
    if not places:
        return None
    lines = [
        Line(
            label=f"{info.label} {arrow(info)}",
            note=f"{part_label(part)}, {task_label(task, compared.a.tracks)}",
            role="part",
            figures=[
                figure_of(e, info, e.row(info.score, MODEL, task, part), task, part)
                for e in (compared.a, compared.b)
            ],
        )
        for info, task, part in places
    ]
    return ScoreTable(
        heading="",
        about="",
        arrow="↓",
        columns=[Column(label=name, role="made") for name in compared.names],
        lines=lines,
        first="score, part, task",
    )


def _examples(compared: ReportComparison, out: Path) -> list[dict[str, Any]]:
    """For the first scores, the clips that speak most for a and most for b."""
    shown, players = [], {}
    for score, part, task in _telling_places(compared):
        mine, others = (values[score, task, part] for values in compared.values)
        info = compared.infos[score]
        sign = 1 if info.better == "higher" else -1
        ahead = {clip: sign * (mine[clip] - others[clip]) for clip in sorted(mine.keys() & others.keys())}
        drawn = []
        for name, clip in (
            (compared.names[0], max(ahead, key=lambda c: ahead[c])),
            (compared.names[1], min(ahead, key=lambda c: ahead[c])),
        ):
            if (clip, task) not in players:
                players[clip, task] = _sides(compared, clip, task, out)
            asked = compared.a.clips[clip]
            values = " against ".join(number_text(of[clip], info.decimals) for of in (mine, others))
            if players[clip, task] and ahead[clip] * (1 if name == compared.names[0] else -1) > 0:
                drawn.append(
                    shown_example(
                        players[clip, task],
                        rank=f"most for {name}",
                        value=values,
                        clip=clip,
                        prompt=asked.prompt,
                        seconds=asked.duration_s,
                    )
                )
        if drawn:
            words = {
                "label": info.label,
                "part": part_label(part),
                "task": task_label(task, compared.a.tracks),
            }
            shown.append({**words, "examples": drawn})
    return shown


def _telling_places(compared: ReportComparison) -> list[tuple[str, str, str]]:
    """Score, part and task of the clearest joint figure of the first scores."""
    found: dict[str, ComparedScore] = {}
    tasks = {row.task for row in compared.rows}
    for row in compared.rows:
        if row.task == JOINT or JOINT not in tasks:
            before = found.get(row.score)
            if before is None or _clearness(row) > _clearness(before):
                found[row.score] = row
    order = list(compared.infos)
    chosen = sorted(found.values(), key=lambda row: order.index(row.score))[:NUM_EXAMPLES]
    return [(row.score, row.part, row.task) for row in chosen]


def _sides(compared: ReportComparison, clip: str, task: str, out: Path) -> list[Side]:
    """Players of a, b and the real song, of copies beside the page."""
    wanted = [
        Wanted(name=compared.names[0], system=MODEL, task=task, folder=out / "a"),
        Wanted(name=compared.names[1], system=MODEL, task=task, folder=out / "b"),
        Wanted(name="the real song", system="real", task=JOINT, folder=out / "a"),
    ]
    sources: Mapping[Path, EvaluationReport] = {out / "a": compared.a, out / "b": compared.b}
    for side in wanted:
        found = find_clip(sources[side.folder].folder, side.system, side.task, clip)
        copy = side.folder / CLIPS / side.system / side.task / clip
        if found is not None and not copy.exists():
            shutil.copytree(found, copy)
    return sides_of(clip, wanted, out, compared.a.tracks)

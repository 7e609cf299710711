"""Pictures of an evaluation: each figure as a dot and its interval, floor and ceiling as a band behind."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from stemwright_platform.evaluation.report.evaluation_folder import PICTURES, EvaluationReport
from stemwright_platform.evaluation.report.frechet_table import is_limit
from stemwright_platform.evaluation.report.overview_picture import draw_overview
from stemwright_platform.evaluation.report.picture import TEXT_PT, WIDTH_IN, Picture, offset, put_legend
from stemwright_platform.evaluation.report.score_bounds import bounds_of, reference_row
from stemwright_platform.evaluation.report.score_group import grouped
from stemwright_platform.evaluation.report.wording import (
    CEILINGS,
    FLOORS,
    JOINT,
    MODEL,
    part_label,
    part_order,
    role_of,
    system_label,
    task_label,
    task_mode,
    task_order,
)
from stemwright_platform.evaluation.score_row import ScoreInfo, ScoreRow
from stemwright_platform.picture_style import ACCENT, HAIR, MODE_COLOURS, SOFT, dress, new_figure, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DRAWN_GROUPS = ("quality", "text", "coherence", "adherence", "fidelity")
MOST_TASKS = 6
"""More are drawn by mode."""
BASELINE_MARKS = "s^vP<>"
MARKS = {"shuffled": "x", "untrained": "+", "round_trip": "d", "real": "D"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """Dots that belong together."""

    colour: str
    mark: str
    label: str
    dots: Mapping[str, tuple[float, float, float]]
    """Part → value, and from where to where its line goes."""


def draw_pictures(evaluation: EvaluationReport, out: Path) -> list[Picture]:
    """Write `pictures/*.png` below `out`: the overview, then one for each score that knows what is better."""
    pictures = [picture] if (picture := draw_overview(evaluation, out)) else []
    for group, infos in grouped(evaluation.infos.values()):
        for info in infos:
            if group.name in DRAWN_GROUPS and info.better != "neither" and not is_limit(info.score):
                picture = _draw_score(evaluation, info, group.name, out)
                pictures += [picture] if picture else []
    return pictures


def _draw_score(evaluation: EvaluationReport, info: ScoreInfo, group: str, out: Path) -> Picture | None:
    """A line a part: floors and ceilings as marks with a band between, what was made as dots by task."""
    rows = [row for row in evaluation.rows if row.score == info.score and math.isfinite(row.value)]
    made = [row for row in rows if role_of(row.system) == "made"]
    parts = sorted({row.part for row in made}, key=lambda part: part_order(part, evaluation.tracks))
    if not made:
        return None
    series = _series(made, evaluation)
    about = {"higher": "More is better.", "lower": "Less is better."}[info.better]
    about += " A dot a mode; a line over its tasks." if _is_crowded(made) else ""
    keys = len(series) + len({row.system for row in rows if role_of(row.system) != "made"})
    height = 1.5 + len(parts) * (0.34 + 0.14 * len(series)) + 0.22 * -(-keys // 2)
    figure = new_figure(WIDTH_IN, height, info.label, about)
    axes = figure.subplots()
    axes.use_sticky_edges = False
    for place, part in enumerate(reversed(parts)):
        _draw_bounds(axes, evaluation, info, part, place)
        for turn, run in enumerate(series):
            if part in run.dots:
                _draw_dot(axes, run, part, place + offset(turn, len(series), 0.74))
    _label(axes, series, rows)
    dress(axes, size=TEXT_PT)
    axes.set_yticks(range(len(parts)), [part_label(part) for part in parts[::-1]])
    axes.set_ylim(-0.6, len(parts) - 0.4)
    axes.grid(False, axis="y")
    put_legend(figure, axes, 2)
    path = save(figure, out / PICTURES / f"score-{info.score.replace('/', '_')}.png")
    return Picture(file=path, group=group, alt=f"{info.label} by part and task, between floor and ceiling")


def _is_crowded(made: Sequence[ScoreRow]) -> bool:
    """Whether there are too many tasks to draw each."""
    return len({row.task for row in made if row.system == MODEL}) > MOST_TASKS


def _series(made: Sequence[ScoreRow], evaluation: EvaluationReport) -> list[Run]:
    """The model by task, or by mode where there are many tasks; then the others in grey, each its mark."""
    tracks = evaluation.tracks
    of_model = [row for row in made if row.system == MODEL]
    tasks = sorted({row.task for row in of_model}, key=lambda task: task_order(task, tracks))
    modes = [task_mode(task, tracks) for task in tasks]
    if _is_crowded(made):
        runs = [
            _mode_run(mode, [row for row in of_model if task_mode(row.task, tracks) == mode])
            for mode in dict.fromkeys(modes)
        ]
    else:
        runs = []
        for place, task in enumerate(tasks):
            shade = modes[:place].count(modes[place]) / max(modes.count(modes[place]), 2)
            colour = _lighter(MODE_COLOURS.get(modes[place], ACCENT), 0.7 * shade)
            dots = _dots([row for row in of_model if row.task == task])
            runs.append(Run(colour=colour, mark="o", label=task_label(task, tracks), dots=dots))
    others = sorted({(row.system, row.task) for row in made if row.system != MODEL})
    for (system, task), mark in zip(others, cycle(BASELINE_MARKS), strict=False):
        label = system if task in ("", JOINT) else f"{system}, {task_label(task, tracks)}"
        dots = _dots([row for row in made if (row.system, row.task) == (system, task)])
        runs.append(Run(colour=SOFT, mark=mark, label=label, dots=dots))
    return runs


def _dots(rows: Sequence[ScoreRow]) -> dict[str, tuple[float, float, float]]:
    return {row.part: (row.value, row.low, row.high) for row in rows}


def _mode_run(mode: str, rows: Sequence[ScoreRow]) -> Run:
    """A part's mean over the tasks of a mode, and how far they spread; of one task its own interval."""
    if len({row.task for row in rows}) == 1:
        return Run(
            colour=MODE_COLOURS.get(mode, ACCENT), mark="o", label=mode or "any task", dots=_dots(rows)
        )
    values: dict[str, list[float]] = {}
    for row in rows:
        values.setdefault(row.part, []).append(row.value)
    dots = {part: (fmean(mine), min(mine), max(mine)) for part, mine in values.items()}
    return Run(colour=MODE_COLOURS.get(mode, ACCENT), mark="o", label=mode or "any task", dots=dots)


def _lighter(colour: str, share: float) -> str:
    from matplotlib.colors import to_hex, to_rgb

    red, green, blue = (value + share * (1 - value) for value in to_rgb(colour))
    return to_hex((red, green, blue))


def _label(axes: "Axes", series: Sequence[Run], rows: Sequence[ScoreRow]) -> None:
    """What the legend tells."""
    for run in series:
        axes.plot([], [], run.mark, color=run.colour, markersize=5.5, label=run.label)
    for system in (*FLOORS, *CEILINGS):
        if any(row.system == system for row in rows):
            axes.plot([], [], MARKS[system], color=SOFT, markersize=6, label=system_label(system))


def _draw_bounds(axes: "Axes", evaluation: EvaluationReport, info: ScoreInfo, part: str, place: int) -> None:
    bounds = bounds_of(evaluation, info.score, JOINT, part)
    if bounds.floor and bounds.ceiling:
        ends = sorted((bounds.floor.value, bounds.ceiling.value))
        axes.barh(place, ends[1] - ends[0], left=ends[0], height=0.84, color=HAIR, alpha=0.5, linewidth=0)
    for system in (*FLOORS, *CEILINGS):
        row = reference_row(evaluation, info.score, system, JOINT, part)
        if row is not None and math.isfinite(row.value):
            axes.plot(row.value, place, MARKS[system], color=SOFT, markersize=6)


def _draw_dot(axes: "Axes", run: Run, part: str, y: float) -> None:
    value, low, high = run.dots[part]
    if math.isfinite(low) and math.isfinite(high):
        axes.plot([low, high], [y, y], color=run.colour, linewidth=1.6)
    axes.plot(value, y, run.mark, color=run.colour, markersize=5.5)

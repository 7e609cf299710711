"""The page of an evaluation: its tables, pictures and players, one HTML file beside the clips it plays."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from stemwright_platform.evaluation.report.clip_values import ClipMeans, clip_values, told_values
from stemwright_platform.evaluation.report.comparison_table import HOLM, comparison_table
from stemwright_platform.evaluation.report.evaluation_folder import EvaluationReport, Example, read_evaluation
from stemwright_platform.evaluation.report.example_players import Side, Wanted, sides_of
from stemwright_platform.evaluation.report.frechet_table import frechet_tables
from stemwright_platform.evaluation.report.listener_figures import listener_figures
from stemwright_platform.evaluation.report.page_file import fill, told_fact, told_facts, write_page
from stemwright_platform.evaluation.report.picture import Picture
from stemwright_platform.evaluation.report.score_bounds import reference_row
from stemwright_platform.evaluation.report.score_group import ScoreGroup, grouped
from stemwright_platform.evaluation.report.score_pictures import draw_pictures
from stemwright_platform.evaluation.report.score_table import Figure, bounds_table, systems_table
from stemwright_platform.evaluation.report.summary import summary
from stemwright_platform.evaluation.report.ways import ways_table
from stemwright_platform.evaluation.report.wording import (
    JOINT,
    number_text,
    part_label,
    system_label,
    task_label,
)
from stemwright_platform.evaluation.score_row import ScoreInfo

PAGE = "index.html"
READING = {
    "floor": "the untrained model: the same model before its first step; for how stems fit also shuffled "
    "stems: tracks of different songs of the same tempo and key",
    "ceiling": "codec round trip: the real songs through the codec alone; real songs: as recorded",
    "share": "(x − floor) / (ceiling − floor), with the better floor and the better ceiling; it can lie "
    "below 0 % or above 100 %",
    "interval": "95 %, by drawing clips again with replacement; it tells how much other clips of the same "
    "kind would move the figure, not how much another training would",
    "–": "not measured, or nothing to measure, as the key of a silent track; the cell tells which",
}


def write_report_page(folder: Path, *, listening: Path | None = None) -> Path:
    """Write `index.html` and `pictures/` of an evaluation's folder, the page whole or not at all.

    `listening`: what `stemwright listen report` wrote, for the column RPR. InputError where a report.json is
    missing or damaged. A clip whose audio cannot be read is said so on the page.
    """
    evaluation = read_evaluation(folder)
    preferred = listener_figures(listening) if listening else None
    pictures = draw_pictures(evaluation, folder)
    return write_page(folder / PAGE, render(evaluation, pictures, preferred))


def render(
    evaluation: EvaluationReport, pictures: Sequence[Picture], preferred: Mapping[str, Figure] | None = None
) -> str:
    """The page's HTML; audio and pictures are addressed relative to the evaluation's folder."""
    overview = next((drawn for drawn in pictures if not drawn.group), None)
    return fill(
        "report.html.j2",
        title=evaluation.title,
        facts=_facts(evaluation),
        summary=summary(evaluation),
        overview=shown_picture(overview, evaluation.folder) if overview else None,
        ways=ways_table(evaluation),
        sections=[
            _section(evaluation, group, infos, pictures, preferred)
            for group, infos in grouped(evaluation.infos.values())
            if any(row.score in {info.score for info in infos} for row in evaluation.rows)
        ],
        examples=_examples(evaluation),
        comparisons=_comparisons(evaluation),
        settings=_settings(evaluation),
        reading=READING,
    )


def shown_picture(picture: Picture, folder: Path) -> dict[str, Any]:
    """Address, words and size of a picture."""
    from matplotlib.image import imread

    height, width = imread(picture.file).shape[:2]
    address = quote(picture.file.relative_to(folder).as_posix())
    return {"address": address, "alt": picture.alt, "width": width, "height": height}


def shown_example(
    sides: Sequence[Side],
    *,
    rank: str,
    value: str,
    clip: str,
    prompt: str,
    seconds: float,
    scores: Sequence[str] = (),
) -> dict[str, Any]:
    """An example as the page plays it; its parts are those of any side."""
    parts = list(dict.fromkeys(source.part for side in sides for source in side.sources))
    seconds = seconds if math.isfinite(seconds) else 0.0
    return {
        "sides": sides,
        "rank": rank,
        "value": value,
        "clip": clip,
        "prompt": prompt,
        "parts": parts,
        "seconds": seconds,
        "scores": scores,
    }


def _section(
    evaluation: EvaluationReport,
    group: ScoreGroup,
    infos: Sequence[ScoreInfo],
    pictures: Sequence[Picture],
    preferred: Mapping[str, Figure] | None,
) -> dict[str, Any]:
    measured = {row.score for row in evaluation.rows}
    infos = [info for info in infos if info.score in measured]
    bounds = [bounds_table(evaluation, info) for info in infos]
    tables, more = bounds, []
    if group.name == "quality":
        tables, *rest = frechet_tables(evaluation)
        tables, more = [tables], [*rest, *bounds]
    elif group.name == "text":
        tables, more = [systems_table(evaluation, info, preferred=preferred) for info in infos], bounds
    return {
        "group": group,
        "tables": tables,
        "more": more,
        "more_heading": "By track and task" if group.name == "quality" else "By task",
        "pictures": [
            shown_picture(drawn, evaluation.folder) for drawn in pictures if drawn.group == group.name
        ],
    }


def _examples(evaluation: EvaluationReport) -> list[dict[str, Any]]:
    """Groups of players: a score, a task and a part each."""
    groups: dict[tuple[str, str, str, str], list[Example]] = {}
    for example in evaluation.examples:
        if example.score in evaluation.infos:
            key = (example.score, example.system, example.task, example.part)
            groups.setdefault(key, []).append(example)
    values = clip_values(evaluation)
    players: dict[tuple[str, str, str], list[Side]] = {}
    shown = []
    for (score, system, task, part), examples in groups.items():
        drawn = []
        for example in examples:
            key = (example.clip, system, task)
            if key not in players:
                players[key] = _sides(evaluation, *key)
            drawn += [_shown(evaluation, example, players[key], values)] if players[key] else []
        words = {
            "label": evaluation.infos[score].label,
            "part": part_label(part) if part else "mean over all parts",
            "task": task_label(task, evaluation.tracks),
        }
        shown += [{**words, "examples": drawn}] if drawn else []
    return shown


def _sides(evaluation: EvaluationReport, clip: str, system: str, task: str) -> list[Side]:
    """The system's player and the real song's; the codec's round trip where there is no recording."""
    wanted = [
        Wanted(name=_player_name(name), system=name, task=task, folder=evaluation.folder)
        for name in dict.fromkeys((system, "real", "round_trip"))
    ]
    sides = sides_of(clip, wanted, evaluation.folder, evaluation.tracks)
    has_real = any(side.system == "real" for side in sides)
    return [side for side in sides if side.system != "round_trip" or not has_real]


def _player_name(system: str) -> str:
    return {"real": "the real song", "round_trip": "the real song, through the codec"}.get(
        system, system_label(system)
    )


def _shown(
    evaluation: EvaluationReport, example: Example, sides: Sequence[Side], values: ClipMeans
) -> dict[str, Any]:
    asked = evaluation.clips.get(example.clip)
    decimals = evaluation.infos[example.score].decimals
    return shown_example(
        sides,
        rank=example.rank,
        value=number_text(example.value, decimals),
        clip=example.clip,
        prompt=asked.prompt if asked else "",
        seconds=asked.duration_s if asked else math.nan,
        scores=told_values(evaluation, values, example.clip, example.system, example.task),
    )


def _comparisons(evaluation: EvaluationReport) -> list[dict[str, Any]]:
    """A section for each pair of systems that was compared."""
    pairs = dict.fromkeys((row.a, row.b) for row in evaluation.comparisons)
    sections = []
    for a, b in pairs:
        rows = [row for row in evaluation.comparisons if (row.a, row.b) == (a, b)]
        heading = f"{system_label(a)} minus {system_label(b)}"
        sections.append(
            {
                "heading": heading[0].upper() + heading[1:],
                "about": HOLM,
                "table": comparison_table(
                    rows, evaluation.infos, evaluation.tracks, _means(evaluation, a, b)
                ),
            }
        )
    return sections


def _means(evaluation: EvaluationReport, a: str, b: str) -> dict[tuple[str, str, str], tuple[float, float]]:
    found = {}
    for row in evaluation.rows:
        other = reference_row(evaluation, row.score, b, row.task, row.part) if row.system == a else None
        if other is not None:
            found[row.score, row.task or JOINT, row.part] = (row.value, other.value)
    return found


def _facts(evaluation: EvaluationReport) -> dict[str, str]:
    facts = {
        "created": evaluation.created.replace("T", " ").removesuffix("+00:00"),
        "clips": f"{len(evaluation.clips):,}",
        "model": told_fact(evaluation.model.get("name") or evaluation.model.get("preset")),
        "training steps": told_fact(evaluation.model.get("steps")),
        "data": evaluation.data_name,
        "split": told_fact(evaluation.settings.get("split") or evaluation.data.get("split")),
    }
    return {name: fact for name, fact in facts.items() if fact}


def _settings(evaluation: EvaluationReport) -> dict[str, str]:
    return {
        f"{kind}: {name}" if kind else name: value
        for kind, entries in (
            ("model", evaluation.model),
            ("data", evaluation.data),
            ("", evaluation.settings),
        )
        for name, value in told_facts(entries).items()
    }

"""Table 2 as measured: held-out error by kind of task, and scores of what each row generates."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from stemwright_platform.evaluation.score_infos import infos_of
from stemwright_platform.sweeps.ablation_figures import Change, Column, Made, Values, change, columns_of
from stemwright_platform.sweeps.ablation_made import KINDS, PLAIN, MadeScores, kind_of
from stemwright_platform.sweeps.ablation_picture import draw_ablation
from stemwright_platform.sweeps.ablation_row import AblationRow
from stemwright_platform.sweeps.summary import Blocks
from stemwright_platform.sweeps.sweep_folder import SweepFolder
from stemwright_platform.sweeps.sweep_plan import SweepPlan
from stemwright_platform.sweeps.sweep_report import Report, Table, p_text, write_report
from stemwright_platform.sweeps.trial_result import MODES, TrialResult
from stemwright_platform.time_left import duration_text

SURE = 0.05
ABOUT_KIND = {
    "joint": "All four tracks from the prompt alone.",
    "conditional": "Each track given the three others, scored beside them.",
    "marginal": "Each track from the prompt alone, scored beside others that it never heard: what it loses "
    "against the conditional task is what listening gives.",
}


def report_ablation(
    plan: SweepPlan,
    rows: Sequence[AblationRow],
    results: Sequence[TrialResult],
    made: Made,
    folder: SweepFolder,
) -> tuple[str, dict[str, float]]:
    """Write results.json, table.md and the page; returns the verdict and figures for a log."""
    held_out = {mode: held_out_values(rows, results, mode) for mode in MODES}
    held_out = {mode: values for mode, values in held_out.items() if any(values.values())}
    columns = columns_of(rows, made)
    tables = {f"Generated, {kind}": table for kind in KINDS if (table := kind_table(rows, columns, kind))}
    tables |= {"Held-out error": held_out_table(rows, held_out), "Budget": budget_table(rows, plan, results)}
    for info in infos_of(_scores(made)):
        table = scores_table(rows, made, info.score, info.decimals)
        better = "" if info.better == "neither" else f" {info.better.capitalize()} is better."
        about = f"{info.about}{better} {table.about}"
        tables[f"All tracks at once: {info.label}"] = replace(table, about=about)
    verdict = f"{told(rows, held_out)} {told_of_made(rows, columns)}".strip()
    trained = [row for row in rows if row.model_of is None]
    content = {
        "settings": plan.facts() | plan.asked(),
        "rows": [{"name": row.name, "label": row.label, "about": row.about} for row in rows],
        "held_out": held_out,
        "table": [column_facts(column) for column in columns],
        "made": [
            {"row": name, "seed": seed, **score.as_dict()}
            for (name, seed), scores in made.items()
            for score in scores.rows
        ],
    }
    report = Report(
        title="Ablation: the rows of Table 2",
        verdict=verdict,
        facts={
            "preset": plan.preset.name,
            "each training": f"{plan.steps:,} steps",
            "seeds": ", ".join(map(str, plan.seeds)),
            "trainings": f"{len(results)} of {len(trained) * len(plan.seeds)}",
            "training time": duration_text(sum(result.train_s for result in results)),
            "data": ", ".join(Path(source).name for source in plan.data),
        },
        tables=tables,
        pictures=drawn(rows, columns, folder),
        trials=results,
        content=content,
    )
    write_report(report, folder)
    figures = {
        f"{name}.ratio.{mode}": float(np.mean(list(values.values())))
        for mode, by_row in held_out.items()
        for name, values in by_row.items()
        if values
    }
    figures |= {
        f"{name}.{column.info.score}.{column.kind}": figure.value
        for column in columns
        for name, figure in column.figures.items()
    }
    return verdict, figures


def drawn(rows: Sequence[AblationRow], columns: Sequence[Column], folder: SweepFolder) -> dict[str, Path]:
    """The pictures of what there is."""
    sound = [column for column in columns if column.info.score not in PLAIN]
    words = [column for column in columns if column.info.score in PLAIN]
    found = {}
    for title, own, name in (
        ("How near to real music, and how the stems fit", sound, "ablation.png"),
        ("How far the prompt, its tempo and its key are kept", words, "prompt.png"),
    ):
        if own:
            found[title] = draw_ablation(rows, own, folder.pictures / name, title)
    return found


def held_out_values(
    rows: Sequence[AblationRow], results: Sequence[TrialResult], mode: str
) -> dict[str, dict[int, float]]:
    """Error over the trivial guess's, of the rows that have a model and have learned that kind of task."""
    score, found = f"ratio.{mode}", {}
    for row in rows:
        if row.model_of is None and mode in row.knows:
            own = [r for r in results if r.setting == row.setting and r.state == "finished"]
            found[row.name] = {r.seed: r.scores[score] for r in own if score in r.scores}
    return found


def held_out_table(rows: Sequence[AblationRow], held_out: Mapping[str, Values]) -> Table:
    """Rows by kinds of task, each with what it gains on the row before."""
    lines = []
    for number, row in enumerate(rows):
        above = rows[number - 1].name if number else None
        cells = [_cell(held_out[mode], row.name, above) for mode in held_out]
        lines.append((row.label, *cells))
    about = (
        "Error over the trivial guess's on the same held-out questions, lower is better: mean over seeds "
        "± half of its 95 % interval; in brackets the change from the row above and its p (paired by seed, "
        "Student's t, noise pooled over rows). A dash: the row has not been trained for such tasks. "
        "Interactive inference has the model of the row above, and so the same error."
    )
    return Table(heading=("", *held_out), rows=tuple(lines), about=about)


def kind_table(rows: Sequence[AblationRow], columns: Sequence[Column], kind: str) -> Table | None:
    """Rows by scores of what they make of one kind of task; None where none of them makes any."""
    own = [column for column in columns if column.kind == kind]
    if not own:
        return None
    lines = [(row.label, *(_figure_cell(column, row.name) for column in own)) for row in rows]
    about = (
        f"{ABOUT_KIND[kind]} Mean ± half of its 95 % interval over songs and seeds; in brackets the change "
        "from the row above on the same clips and seeds, * p < 0.05, ** p < 0.01 after Holm over all changes "
        "of a score. A share is 0 where stems fit as strangers' of the same tempo and key, 1 where they fit "
        "as real ones; a take too silent to be scored counts as 0."
    )
    heading = ("", *(f"{column.info.label}{', share' * column.is_share}" for column in own))
    return Table(heading=heading, rows=tuple(lines), about=about)


def budget_table(rows: Sequence[AblationRow], plan: SweepPlan, results: Sequence[TrialResult]) -> Table:
    """What each training was given, and what its time came to."""
    batch = plan.preset.training.batch_size
    lines, first = [], math.nan
    for row in rows:
        if row.model_of is not None:
            lines.append((row.label, "–", "–", "–", f"the model of {row.model_of}"))
            continue
        own = [r for r in results if r.setting == row.setting and r.state == "finished"]
        mean = float(np.mean([r.train_s for r in own])) if own else math.nan
        first = mean if math.isnan(first) else first
        told = "–" if math.isnan(mean) else f"{duration_text(mean)} ({mean / max(first, 1e-9):.2f})"
        lines.append((row.label, f"{plan.steps:,}", f"{(plan.steps or 0) * batch:,}", told, f"{len(own)}"))
    about = (
        "Steps and windows are the same for all rows; their time is what a row costs, in brackets over the "
        "first row's. Self-bootstrapping pays for the teacher's steps in it."
    )
    return Table(
        heading=("", "optimiser steps", "windows", "training, mean", "trainings"),
        rows=tuple(lines),
        about=about,
    )


def scores_table(
    rows: Sequence[AblationRow], made: Mapping[tuple[str, int], MadeScores], score: str, decimals: int = 2
) -> Table:
    """A score of the tracks that the rows make all at once, rows by parts."""
    of_score = {
        key: [row for row in scores.rows if row.score == score and kind_of(row.task) == "joint"]
        for key, scores in made.items()
    }
    parts = list(dict.fromkeys(each.part for scores in of_score.values() for each in scores))
    by_part: dict[str, dict[str, dict[int, float]]] = {part: {} for part in parts}
    for (name, seed), scores in of_score.items():
        for each in scores:
            if math.isfinite(each.value):
                by_part[each.part].setdefault(name, {})[seed] = each.value
    lines = []
    for number, row in enumerate(rows):
        above = rows[number - 1].name if number else None
        lines.append((row.label, *(_cell(by_part[part], row.name, above, decimals) for part in parts)))
    about = (
        "Mean over seeds ± half of its 95 % interval; in brackets the change from the row above and its p. "
        "All rows make the same clips from the same prompts and noise."
    )
    return Table(
        heading=("", *(part.replace("|", " and ") for part in parts)), rows=tuple(lines), about=about
    )


def column_facts(column: Column) -> dict[str, Any]:
    """A column of Table 2 for results.json."""
    facts = {"kind": column.kind, "score": column.info.score, "is_share": column.is_share}
    return facts | {"figures": {name: asdict(figure) for name, figure in column.figures.items()}}


def told(rows: Sequence[AblationRow], held_out: Mapping[str, Values]) -> str:
    """What each row changes of the held-out errors, in a few sentences."""
    sure, unsure = [], []
    for above, row in pairwise(rows):
        for mode, values in held_out.items():
            if (found := change(values, row.name, above.name)) is None:
                continue
            text = f"{row.label}, {mode} {found[0]:+.4f} (p {p_text(found[2])})"
            (sure if found[2] < SURE else unsure).append(text)
    if not sure and not unsure:
        return "With one seed, or one row, nothing says what is chance: train with more seeds."
    beyond = f"Changes of held-out error beyond the noise: {'; '.join(sure) or 'none'}."
    return beyond + (f" Not told from noise: {'; '.join(unsure)}." if unsure else "")


def told_of_made(rows: Sequence[AblationRow], columns: Sequence[Column]) -> str:
    """What each row changes of what is generated, in a sentence."""
    changes = [
        (f"{row.label}, {column.info.label} of {column.kind} {found.value:+.{column.info.decimals}f}", found)
        for row in rows
        for column in columns
        if (figure := column.figures.get(row.name)) and (found := figure.change)
    ]
    if not changes:
        return ""
    sure = [f"{text} (p {p_text(found.p_holm)})" for text, found in changes if found.stars]
    return (
        f"Of what is generated, {len(sure)} of {len(changes)} changes are beyond the noise after Holm's "
        f"correction: {'; '.join(sure) or 'none'}."
    )


def _figure_cell(column: Column, name: str) -> str:
    figure, decimals = column.figures.get(name), column.info.decimals
    if figure is None:
        return "–"
    text = f"{figure.value:.{decimals}f}"
    if not math.isnan(figure.half_width):
        text += f" ± {figure.half_width:.{decimals}f}"
    return text + (_change_text(figure.change, decimals) if figure.change else "")


def _change_text(found: Change, decimals: int) -> str:
    return f" ({found.value:+.{decimals}f}{found.stars})"


def _cell(values: Values, name: str, above: str | None, decimals: int = 4) -> str:
    own = values.get(name)
    if not own:
        return "–"
    names = list(values)
    blocks = Blocks.of([values[each] for each in names])
    text = f"{np.mean(list(own.values())):.{decimals}f}"
    if names.index(name) in blocks.rows and not math.isnan(blocks.half_width):
        text += f" ± {blocks.half_width:.{decimals}f}"
    if above is not None and (found := change(values, name, above)):
        text += f" ({found[0]:+.{decimals}f}, p {p_text(found[2])})"
    return text


def _scores(made: Made) -> list[str]:
    """Of what is made all at once."""
    rows = (row for scores in made.values() for row in scores.rows)
    return list(dict.fromkeys(row.score for row in rows if kind_of(row.task) == "joint"))

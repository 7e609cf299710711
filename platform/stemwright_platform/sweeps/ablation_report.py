"""Table 2 as measured: held-out error by kind of task, and scores of what each row generates."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from stemwright_platform.evaluation.score_infos import infos_of
from stemwright_platform.evaluation.score_row import ScoreRow
from stemwright_platform.sweeps.ablation_row import AblationRow
from stemwright_platform.sweeps.summary import Blocks
from stemwright_platform.sweeps.sweep_folder import SweepFolder
from stemwright_platform.sweeps.sweep_plan import SweepPlan
from stemwright_platform.sweeps.sweep_report import Report, Table, p_text, write_report
from stemwright_platform.sweeps.trial_result import MODES, TrialResult
from stemwright_platform.time_left import duration_text

Values = Mapping[str, Mapping[int, float]]
"""A figure of each row, by seed."""
SURE = 0.05


def report_ablation(
    plan: SweepPlan,
    rows: Sequence[AblationRow],
    results: Sequence[TrialResult],
    made: Mapping[tuple[str, int], Sequence[ScoreRow]],
    folder: SweepFolder,
) -> tuple[str, dict[str, float]]:
    """Write results.json, table.md and the page; returns the verdict and figures for a log."""
    held_out = {mode: held_out_values(rows, results, mode) for mode in MODES}
    held_out = {mode: values for mode, values in held_out.items() if any(values.values())}
    tables = {"Held-out error": held_out_table(rows, held_out)}
    for info in infos_of(_scores(made)):
        table = scores_table(rows, made, info.score)
        better = "" if info.better == "neither" else f" {info.better.capitalize()} is better."
        about = f"{info.about}{better} {table.about}"
        tables[f"Generated: {info.label}"] = replace(table, about=about)
    verdict = told(rows, held_out)
    trained = [row for row in rows if row.model_of is None]
    content = {
        "settings": plan.facts() | plan.asked(),
        "rows": [{"name": row.name, "label": row.label, "about": row.about} for row in rows],
        "held_out": held_out,
        "made": [
            {"row": name, "seed": seed, **score.as_dict()}
            for (name, seed), scores in made.items()
            for score in scores
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
        pictures={},
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
    return verdict, figures


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


def scores_table(
    rows: Sequence[AblationRow], made: Mapping[tuple[str, int], Sequence[ScoreRow]], score: str
) -> Table:
    """A score of what the rows make, rows by parts."""
    of_score = {key: [each for each in scores if each.score == score] for key, scores in made.items()}
    parts = list(dict.fromkeys(each.part for scores in of_score.values() for each in scores))
    by_part: dict[str, dict[str, dict[int, float]]] = {part: {} for part in parts}
    for (name, seed), scores in of_score.items():
        for each in scores:
            if math.isfinite(each.value):
                by_part[each.part].setdefault(name, {})[seed] = each.value
    lines = []
    for number, row in enumerate(rows):
        above = rows[number - 1].name if number else None
        lines.append((row.label, *(_cell(by_part[part], row.name, above) for part in parts)))
    about = (
        "Mean over seeds ± half of its 95 % interval; in brackets the change from the row above and its p. "
        "All rows make the same clips from the same prompts and noise."
    )
    return Table(heading=("", *parts), rows=tuple(lines), about=about)


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


def change(values: Values, name: str, above: str) -> tuple[float, float, float] | None:
    """A row's mean less that of the one above, half of its interval, and p; None where it cannot be told."""
    if name not in values or above not in values:
        return None
    names = list(values)
    return Blocks.of([values[each] for each in names]).difference(names.index(name), names.index(above))


def _cell(values: Values, name: str, above: str | None) -> str:
    own = values.get(name)
    if not own:
        return "–"
    names = list(values)
    blocks = Blocks.of([values[each] for each in names])
    text = f"{np.mean(list(own.values())):.4f}"
    if names.index(name) in blocks.rows and not math.isnan(blocks.half_width):
        text += f" ± {blocks.half_width:.4f}"
    if above is not None and (found := change(values, name, above)):
        text += f" ({found[0]:+.4f}, p {p_text(found[2])})"
    return text


def _scores(made: Mapping[tuple[str, int], Sequence[ScoreRow]]) -> list[str]:
    return list(dict.fromkeys(each.score for scores in made.values() for each in scores))

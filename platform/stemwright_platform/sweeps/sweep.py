"""A sweep from its plan to its page: finished trials are read, the others run, all are compared."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from stemwright_platform.sweeps.pictures import draw_fields, draw_map, levels
from stemwright_platform.sweeps.resources import Resources
from stemwright_platform.sweeps.setting import short, shown
from stemwright_platform.sweeps.summary import Summary, summarise
from stemwright_platform.sweeps.sweep_folder import SweepFolder
from stemwright_platform.sweeps.sweep_plan import P2, SweepPlan
from stemwright_platform.sweeps.sweep_report import Report, cell_table, write_report
from stemwright_platform.sweeps.trial import Trial
from stemwright_platform.sweeps.trial_result import MODES, TrialResult
from stemwright_platform.sweeps.trials import Trials
from stemwright_platform.time_left import duration_text
from stemwright_platform.training.tracking import checked_uri, default_uri

LARGEST_MAP = 12
"""Values of a field that a map has room for."""


BY_ONE = "A seed's mean over whatever else varies, judged by the noise of all trials."


@dataclass(frozen=True, kw_only=True, slots=True)
class SweepOutcome:
    """A sweep that has ended."""

    folder: SweepFolder
    """What it left."""
    results: tuple[TrialResult, ...]
    """Of every trial that was asked for."""
    summary: Summary
    """By the plan's score."""
    known: int
    """Trials that had ended before and were only read."""
    tracking_failure: str | None = None
    """Why MLflow does not have all of it."""


def sweep_curriculum(
    plan: SweepPlan, out: str | Path, *, resources: Resources | None = None, tracking_uri: str | None = None
) -> SweepOutcome:
    """Train and compare the plan's settings; the same `out` goes on with a sweep that was interrupted.

    It may then ask for more values, seeds or trials: what has ended is kept. Trials that failed are tried
    again. Raises InputError, before anything starts, for what a user can mend.
    """
    plan, uri = plan.absolute(), checked_uri(tracking_uri or default_uri())
    plan.check()
    folder = SweepFolder(Path(out).resolve())
    summaries: list[Summary] = []

    def conclude(results: Sequence[TrialResult]) -> dict[str, float]:
        summaries.append(report_sweep(plan, results, folder))
        return _figures(summaries[0])

    with Trials(plan, folder, "curriculum", resources or Resources(), uri) as trials:
        listed = [] if plan.search == "optuna" else _listed(plan, folder.path)
        results = trials.run(listed, conclude)
    return SweepOutcome(
        folder=folder,
        results=tuple(results),
        summary=summaries[0],
        known=trials.known,
        tracking_failure=trials.tracking_failure,
    )


def report_sweep(plan: SweepPlan, results: Sequence[TrialResult], folder: SweepFolder) -> Summary:
    """Compare the trials and write results.json, table.md, the pictures and the page."""
    fields = [axis.field for axis in plan.axes if len(levels(results, axis.field)) > 1]
    summary, *others = (summarise(results, score, fields) for score in _scores(plan, results))
    tables = {"Settings": cell_table([summary, *others])}
    for field in fields if len(fields) > 1 else []:
        by_one = [summarise(results, each.score, (field,)) for each in (summary, *others)]
        tables[f"By {short(field)} alone"] = replace(cell_table(by_one), about=BY_ONE)
    content = {"settings": plan.facts() | plan.asked(), "scores": [s.as_dict() for s in (summary, *others)]}
    report = Report(
        title=f"Sweep of {' and '.join(map(short, fields)) or 'seeds'}",
        verdict=summary.conclusion,
        facts=_facts(plan, results),
        tables=tables,
        pictures=_pictures(plan, results, fields, folder),
        trials=results,
        content=content,
    )
    write_report(report, folder)
    return summary


def _listed(plan: SweepPlan, out: Path) -> list[Trial]:
    """Seeds in the outer loop: a sweep that is cut off has whole grids of the first ones."""
    settings = plan.settings()
    return [plan.trial(setting, seed, out) for seed in plan.seeds for setting in settings]


def _scores(plan: SweepPlan, results: Sequence[TrialResult]) -> list[str]:
    """The one that decides, then the same kind over all tasks and by context."""
    kind = plan.score.split(".")[0]
    names = dict.fromkeys([plan.score, kind, *(f"{kind}.{mode}" for mode in MODES)])
    has = {name for result in results for name in result.scores}
    return [name for name in names if name in has or name == plan.score]


def _pictures(
    plan: SweepPlan, results: Sequence[TrialResult], fields: Sequence[str], folder: SweepFolder
) -> dict[str, Path]:
    if not any(result.state == "finished" for result in results) or not fields:
        return {}
    drawn: dict[str, Path] = {}
    small = [field for field in fields if len(levels(results, field)) <= LARGEST_MAP]
    kind = plan.score.split(".")[0]
    if len(small) > 1:
        rows, columns = small[:2]
        name = f"{short(rows)} and {short(columns)}"
        others = " (mean over the other fields)" if len(fields) > 2 else ""
        path = folder.pictures / "map.png"
        drawn[f"{name}, by kind of task"] = draw_map(results, kind, rows, columns, path, f"{name}{others}")
    path = folder.pictures / "fields.png"
    drawn["Every trial"] = draw_fields(results, plan.score, fields, path, "Every trial, by field")
    return drawn


def _facts(plan: SweepPlan, results: Sequence[TrialResult]) -> dict[str, str]:
    ended = [result for result in results if result.state == "finished"]
    steps = f"{plan.steps:,} steps" if plan.steps else f"{plan.minutes:g} min"
    facts = {
        "preset": plan.preset.name,
        "each trial": steps,
        "seeds": ", ".join(map(str, plan.seeds)),
        "trials": f"{len(ended)} of {len(results)} to the end",
        "training time": duration_text(sum(result.train_s for result in results)),
        "data": ", ".join(Path(source).name for source in plan.data),
    }
    for axis in plan.axes:
        if len(axis.values) == 1:
            facts[short(axis.field)] = shown(axis.values[0])
    if any(axis.field == P2 for axis in plan.axes):
        facts["p2 counts from"] = f"{plan.p2_starts_at:.0%} of the steps"
    return facts


def _figures(summary: Summary) -> dict[str, float]:
    if summary.best is None:
        return {}
    return {f"best.{summary.score}": summary.cells[summary.best].mean}

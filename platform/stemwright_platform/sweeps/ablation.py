"""Table 2 on one's own data: four rows trained on equal budgets and scored alike."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stemwright.errors import InputError
from stemwright.presets import Preset
from stemwright_platform.sweeps.ablation_made import MadeScores
from stemwright_platform.sweeps.ablation_report import report_ablation
from stemwright_platform.sweeps.ablation_row import COMMON, ROWS, AblationRow, ablation_rows
from stemwright_platform.sweeps.resources import Resources
from stemwright_platform.sweeps.setting import Setting, with_setting
from stemwright_platform.sweeps.sweep_folder import SweepFolder
from stemwright_platform.sweeps.sweep_plan import SweepPlan
from stemwright_platform.sweeps.trial import Trial
from stemwright_platform.sweeps.trial_result import TrialResult
from stemwright_platform.sweeps.trials import Trials
from stemwright_platform.training.tracking import checked_uri, default_uri

Made = Mapping[tuple[str, int], MadeScores]
"""What was scored of each row's generations, by row and seed."""
Models = Mapping[tuple[str, int], Path]
"""Checkpoint folders by row and seed."""
Scorer = Callable[[Sequence[AblationRow], Models, Path], Made]
"""Generates with every model, as its row does, and scores all alike; the folder is where to keep it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AblationOutcome:
    """An ablation that has ended."""

    folder: SweepFolder
    """What it left."""
    results: tuple[TrialResult, ...]
    """Of every training."""
    verdict: str
    """In a few sentences."""
    known: int
    """Trainings that had ended before and were only read."""
    tracking_failure: str | None = None
    """Why MLflow does not have all of it."""


def plan_ablation(
    preset: Preset,
    data: Sequence[str],
    *,
    steps: int,
    seeds: Sequence[int] = (1, 2, 3),
    fixed: Setting | None = None,
    rounds: int = 4,
    p2_starts_at: float = 0.5,
    text_encoder_weights: str | None = None,
) -> SweepPlan:
    """The plan of the trainings. `fixed`: fields for all rows; InputError for what a row sets itself.

    `p2_starts_at`: share of the steps from which the teacher is heard, by the row that has one.
    """
    fixed = dict(fixed or {})
    own = {name for row in ablation_rows() for name in row.setting} | set(COMMON)
    if taken := sorted(own & set(fixed)):
        raise InputError(f"{taken[0]} is what the rows of an ablation differ by: leave it out")
    return SweepPlan(
        preset=with_setting(preset, {**fixed, **COMMON}),
        data=tuple(data),
        steps=steps,
        seeds=tuple(seeds),
        rounds=rounds,
        p2_starts_at=p2_starts_at,
        text_encoder_weights=text_encoder_weights,
    )


def run_ablation(
    plan: SweepPlan,
    out: str | Path,
    *,
    rows: Sequence[AblationRow] | None = None,
    scorer: Scorer | None = None,
    resources: Resources | None = None,
    tracking_uri: str | None = None,
) -> AblationOutcome:
    """Train the rows with every seed and compare them; the same `out` goes on where it was interrupted.

    `rows`: all by default. `scorer`: of what the models generate; None compares held-out errors alone, which
    say nothing of interactive inference.
    """
    plan, uri = plan.absolute(), checked_uri(tracking_uri or default_uri())
    plan.check()
    table = ablation_rows(ROWS) if rows is None else list(rows)
    for row in table:
        row.stages_of(plan.preset.tracks)
    folder = SweepFolder(Path(out).resolve())
    verdicts: list[str] = []

    def conclude(results: Sequence[TrialResult]) -> dict[str, float]:
        made = scorer(table, models_of(table, plan, folder.path), folder.path / "made") if scorer else {}
        verdict, figures = report_ablation(plan, table, results, made, folder)
        verdicts.append(verdict)
        return figures

    with Trials(plan, folder, "ablation", resources or Resources(), uri) as trials:
        results = trials.run(listed(table, plan, folder.path), conclude)
    return AblationOutcome(
        folder=folder,
        results=tuple(results),
        verdict=verdicts[0],
        known=trials.known,
        tracking_failure=trials.tracking_failure,
    )


def listed(rows: Sequence[AblationRow], plan: SweepPlan, out: Path) -> list[Trial]:
    """The trainings: of each row with a model of its own, with every seed."""
    return [plan.trial(row.setting, seed, out) for seed in plan.seeds for row in rows if row.model_of is None]


def models_of(rows: Sequence[AblationRow], plan: SweepPlan, out: Path) -> dict[tuple[str, int], Path]:
    """The models of all rows that were trained to the end, some by the name of the row whose model it is."""
    by_name = {row.name: row for row in rows}
    found: dict[tuple[str, int], Path] = {}
    for row in rows:
        setting = by_name[row.model_of or row.name].setting
        for seed in plan.seeds:
            trial = plan.trial(setting, seed, out)
            if (result := trial.result) and result.state == "finished":
                found[row.name, seed] = trial.folder / "model"
    return found

"""Scores of what the rows of an ablation generate, by the same evaluation that scores any system."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stemwright.checkpoint import load_checkpoint
from stemwright_platform.evaluation.evaluate import evaluate_model
from stemwright_platform.evaluation.evaluation import Evaluation
from stemwright_platform.evaluation.evaluation_plan import EvaluationPlan
from stemwright_platform.evaluation.score_row import ScoreRow
from stemwright_platform.evaluation.task_name import JOINT
from stemwright_platform.sweeps.ablation_row import AblationRow
from stemwright_platform.sweeps.staged_making import StagedItem, make_staged, systems_of

REPORT = "report.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class GenerationScoring:
    """A `Scorer`: every row makes the same clips, one evaluation scores them all as systems."""

    plan: EvaluationPlan
    """What to make and how to hear it; its model is put in by the rows."""
    jobs: int | None = 1
    """Actors; 1: this process alone."""

    def __call__(
        self, rows: Sequence[AblationRow], models: Mapping[tuple[str, int], Path], out: Path
    ) -> dict[tuple[str, int], list[ScoreRow]]:
        """Scores by row and seed; nothing where no model was trained to the end."""
        if not models:
            return {}
        # references and one more take of all tracks at once come from a model of the curriculum
        some = str(models.get(("curriculum", min(seed for _, seed in models)), next(iter(models.values()))))
        source = replace(self.plan.source, model=some)
        # whether a model copies, and how its takes spread, is not what the rows are about
        plan = replace(self.plan, source=source, tasks=(JOINT,), training=0, retakes=0)
        folder = out / _key(plan, rows)
        items = self._items(plan, rows, models, folder)
        make_staged(items, plan.source, plan.sampling, seed=plan.seed, jobs=self.jobs)
        evaluation = folder / f"evaluation-{len(models)}"
        evaluate_model(
            plan, evaluation, baselines=systems_of(items), features=out / "features", jobs=self.jobs
        )
        found = read_rows(evaluation / REPORT)
        return {key: [row for row in found if row.system == system_name(*key)] for key in models}

    def _items(
        self,
        plan: EvaluationPlan,
        rows: Sequence[AblationRow],
        models: Mapping[tuple[str, int], Path],
        out: Path,
    ) -> list[StagedItem]:
        tracks = load_checkpoint(plan.source.model).tracks
        clips = Evaluation(plan, out / "clips", tracks).clips.clips
        by_name = {row.name: row for row in rows}
        return [
            StagedItem(
                model=str(model),
                stages=by_name[name].stages_of(tracks),
                clip=clip,
                folder=out / "systems" / system_name(name, seed) / clip.clip,
            )
            for (name, seed), model in models.items()
            for clip in clips
        ]


def _key(plan: EvaluationPlan, rows: Sequence[AblationRow]) -> str:
    """A digest of all that decides the clips beside the models: others get a folder of their own."""
    asked = json.dumps([plan.settings, [row.stages for row in rows]], sort_keys=True)
    return hashlib.sha256(asked.encode()).hexdigest()[:12]


def system_name(row: str, seed: int) -> str:
    """As "interactive, seed 1"."""
    return f"{row}, seed {seed}"


def read_rows(report: Path) -> list[ScoreRow]:
    """The rows of an evaluation's report; what is null there is NaN."""
    content: list[dict[str, Any]] = json.loads(report.read_text(encoding="utf-8"))["rows"]
    numbers = ("value", "low", "high")
    for row in content:
        row.update({name: math.nan for name in numbers if row[name] is None})
    return [ScoreRow(**row) for row in content]

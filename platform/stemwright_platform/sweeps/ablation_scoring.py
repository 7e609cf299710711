"""Scores of what the models of an ablation generate, each by the same evaluation that scores any model."""

import hashlib
import json
import math
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stemwright.checkpoint import load_checkpoint
from stemwright_platform.evaluation.clip_score_table import read_clip_scores
from stemwright_platform.evaluation.evaluate import evaluate_model
from stemwright_platform.evaluation.evaluation import Evaluation
from stemwright_platform.evaluation.evaluation_plan import EvaluationPlan
from stemwright_platform.evaluation.score_row import ScoreRow
from stemwright_platform.evaluation.systems import MODEL, REFERENCES
from stemwright_platform.sweeps.ablation_made import MadeScores, made_scores
from stemwright_platform.sweeps.ablation_row import AblationRow
from stemwright_platform.sweeps.guidance_scores import indexed
from stemwright_platform.sweeps.staged_making import StagedItem, make_staged, systems_of
from stemwright_platform.time_left import TimeLeft

REPORT, CLIPS = "report.json", "clips"
Key = tuple[str, int]
"""A row's name and a seed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GenerationScoring:
    """A `Scorer`: an evaluation a model, of the same clips, from the same prompts and noise."""

    plan: EvaluationPlan
    """What to make and how to hear it; its model is put in by the rows."""
    jobs: int | None = 1
    """Actors; 1: this process alone."""

    def __call__(
        self, rows: Sequence[AblationRow], models: Mapping[Key, Path], out: Path
    ) -> dict[Key, MadeScores]:
        """Scores by row and seed; nothing where no model was trained to the end."""
        # whether a model copies, and how its takes spread, is not what the rows are about
        plan = replace(self.plan, training=0, retakes=0)
        folder = out / _key(plan, rows)
        own = {row.name: row for row in rows if row.model_of is None}
        found: dict[Key, MadeScores] = {}
        references: Path | None = None
        trained = [key for key in models if key[0] in own]
        progress = TimeLeft("evaluating models", len(trained))
        for name, seed in trained:
            tasks = tuple(task for task in plan.tasks if task in own[name].knows)
            if not tasks:
                continue
            users = [row for row in rows if row.model_of == name and "joint" in tasks]
            source = replace(plan.source, model=str(models[name, seed]))
            where = folder / system_name(name, seed)
            if references is not None:
                share_references(references, where)
            scores = self._evaluated(replace(plan, source=source, tasks=tasks), users, where)
            references = where
            found |= {(row, seed): of_row for row, of_row in scores.items() if row != MODEL}
            found[name, seed] = scores[MODEL]
            progress.advance(1.0)
        progress.close()
        return found

    def _evaluated(
        self, plan: EvaluationPlan, users: Sequence[AblationRow], out: Path
    ) -> dict[str, MadeScores]:
        """Of the model as it is, and of the rows that use it in another way."""
        items = [item for row in users for item in _items(plan, row, out)]
        make_staged(items, plan.source, plan.sampling, seed=plan.seed, jobs=self.jobs)
        features = out.parent / "features"
        evaluate_model(plan, out, baselines=systems_of(items), features=features, jobs=self.jobs)
        report = json.loads((out / REPORT).read_text(encoding="utf-8"))
        rows, values = read_rows(report), indexed(read_clip_scores(out).to_pylist())
        ceiling = "real" if plan.source.manifest else "round_trip"
        return {
            system: made_scores(values, rows, system, clips=report["clips"], ceiling=ceiling)
            for system in (MODEL, *(row.name for row in users))
        }


def share_references(source: Path, out: Path) -> None:
    """Let an evaluation have what another one made of the corpus: it is the same, whatever the model."""
    for system in REFERENCES:
        there, here = source / CLIPS / system, out / CLIPS / system
        if not there.is_dir() or here.exists():
            continue
        partial = here.with_name(f".{system}.{os.getpid()}")
        shutil.copytree(there, partial, copy_function=_linked)
        partial.rename(here)


def _linked(source: str, target: str) -> None:
    """The same file by another name, or a copy where the file system has no such names."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _items(plan: EvaluationPlan, row: AblationRow, out: Path) -> list[StagedItem]:
    tracks = load_checkpoint(plan.source.model).tracks
    return [
        StagedItem(
            model=plan.source.model,
            stages=row.stages_of(tracks),
            clip=clip,
            folder=out / "staged" / row.name / clip.clip,
        )
        for clip in Evaluation(plan, out, tracks).clips.clips
    ]


def _key(plan: EvaluationPlan, rows: Sequence[AblationRow]) -> str:
    """A digest of all that decides the clips beside the models: others get a folder of their own."""
    asked = json.dumps([plan.settings, [row.stages for row in rows]], sort_keys=True)
    return hashlib.sha256(asked.encode()).hexdigest()[:12]


def system_name(row: str, seed: int) -> str:
    """As "curriculum, seed 1"."""
    return f"{row}, seed {seed}"


def read_rows(report: Mapping[str, Any]) -> list[ScoreRow]:
    """The rows of an evaluation's report; what is null there is NaN."""
    numbers = ("value", "low", "high")
    return [
        ScoreRow(**row | {name: math.nan for name in numbers if row[name] is None}) for row in report["rows"]
    ]

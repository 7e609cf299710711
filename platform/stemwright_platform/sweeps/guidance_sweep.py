"""A sweep of the guidance scale from a plan to its page: sounds, scores, the curve, the choice."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from stemwright.checkpoint import load_checkpoint
from stemwright.errors import InputError
from stemwright.latent_dataset import LatentDataset
from stemwright.tasks import Task
from stemwright_platform.evaluation.clip import choose_clips
from stemwright_platform.evaluation.clip_crew import ClipCrew
from stemwright_platform.evaluation.clip_folder import read_facts
from stemwright_platform.evaluation.clip_score_table import ClipScoreWriter, read_clip_scores
from stemwright_platform.evaluation.clip_scoring import ClipScore, ClipScoring, ScoreItem
from stemwright_platform.evaluation.feature_choice import FeatureChoice
from stemwright_platform.evaluation.feature_store import FeatureStore
from stemwright_platform.evaluation.hearing import Hearing
from stemwright_platform.evaluation.making import MakeItem, Making
from stemwright_platform.evaluation.report.wording import task_label
from stemwright_platform.evaluation.score_infos import all_infos, infos_of
from stemwright_platform.evaluation.score_row import ScoreInfo
from stemwright_platform.evaluation.systems import System
from stemwright_platform.evaluation.task_name import JOINT, named_tasks, task_name
from stemwright_platform.sweeps.guidance_choice import PLAIN, choose_scale, refusals
from stemwright_platform.sweeps.guidance_findings import Findings, write_findings
from stemwright_platform.sweeps.guidance_hearing import MixHearing, frechet_line, score_items
from stemwright_platform.sweeps.guidance_line import Line, resampled
from stemwright_platform.sweeps.guidance_making import LEVEL_DB, SPREAD, Cost, GuidanceMaking
from stemwright_platform.sweeps.guidance_page import PICTURE, write_guidance_page
from stemwright_platform.sweeps.guidance_picture import draw_guidance
from stemwright_platform.sweeps.guidance_plan import GuidancePlan, keep_plan, lacking, suits, take_folder
from stemwright_platform.sweeps.guidance_scores import (
    COHERENCE,
    FLOOR,
    REAL,
    Ask,
    SplitCurve,
    better_of,
    criterion_scores,
    indexed,
    overall,
    split_curve,
)

Scoring = Callable[[list[ScoreItem]], list[list[ClipScore]]]
"""Items of a clip → the scores of each."""

NOT_TOLD = "no score could tell real stems from strangers' on these clips: give more --clips, or another --by"
FRECHET = "frechet."
"""Begins the name of a criterion that is a distance of all clips together."""


class GuidanceSweep:
    """The clips of a plan, who makes and hears them, and what comes of it."""

    def __init__(
        self,
        plan: GuidancePlan,
        out: Path,
        *,
        by: str = COHERENCE,
        embedding: str | None = "musicnn",
        jobs: int | None = 1,
        scoring: Callable[[], Scoring] | None = None,
    ) -> None:
        """`by`: the criterion; `embedding`: of the mixes, for Fréchet distances, None for none.

        `jobs`: actors, 1 for this process alone, None for as many as the cluster has CPUs. `scoring`: makes
        what scores clips; the evaluation's own by default. InputError where data, tasks, the criterion or
        what `out` holds do not fit.
        """
        self.plan, self.out, self._by = plan, out, by
        self._crew = ClipCrew(jobs=jobs, device=plan.source.device)
        self._embedding = embedding
        if by.startswith(FRECHET):
            self._embedding = by.removeprefix(FRECHET)
            FeatureChoice(embeddings=(self._embedding,))  # raises where there is none of that name
        else:
            self._criterion(info.score for info in all_infos())
        dataset = LatentDataset(plan.source.data)
        split = plan.split or next((name for name in ("validation", "test") if dataset.songs(name)), "test")
        chosen = choose_clips(dataset, split, plan.num_clips, plan.duration_s, training=0, seed=plan.seed)
        self.split, self.clips, self._pool = split, chosen.clips, chosen.pool
        tracks = load_checkpoint(plan.source.model).tracks
        self.tasks = {task_name(task): task for task in named_tasks(plan.tasks, tracks)}
        if not any(task.given for task in self.tasks.values()):
            raise InputError("--tasks names no task with given tracks: λ says nothing without (Eq. 6)")
        keep_plan(plan, out)
        self._store = FeatureStore(out / "features")
        self._scoring: Callable[[], Scoring] = scoring or partial(
            ClipScoring,
            FeatureChoice(embeddings=self._embeddings_of_stems()),
            self._store,
            plan.source.device,
        )
        self.cost = Cost(asked=0, wanted=0)

    @property
    def ceiling(self) -> System:
        """Whose stems are the real ones: what the model is given, too."""
        return "real" if self.plan.source.manifest else "round_trip"

    def make(self) -> None:
        """All sound that is not there yet: the corpus's first, which the model's clips link to."""
        plan, out = self.plan, self.out
        references = [
            MakeItem(system=system, task=JOINT, clip=clip)
            for system in (self.ceiling, FLOOR)
            for clip in self.clips
        ]
        missing = [item for item in references if not item.folder(out).exists()]
        corpus = partial(Making, plan.source, str(out), plan.sampling, self._pool, plan.seed)
        for _ in self._crew.done("references", corpus, missing):
            pass
        model = partial(GuidanceMaking, plan.source, str(out), plan.sampling, plan.takes, plan.seed)
        missing = lacking(plan, out, self.tasks, self.clips)
        for _, cost in self._crew.done("generating", model, missing):
            self.cost = Cost(asked=self.cost.asked + cost.asked, wanted=self.cost.wanted + cost.wanted)

    def score(self) -> None:
        """clip_scores.parquet, whole; and the mixes heard, for their distances."""
        plan = self.plan
        items = score_items(
            self.out,
            self.tasks,
            self.clips,
            plan.scales,
            plan.takes,
            self.ceiling,
            with_mix=bool(self._embeddings_of_stems()),
            with_leakage=self._by == "leakage",
        )
        by_clip = defaultdict[str, list[ScoreItem]](list)
        for item in items:
            by_clip[item.clip.clip].append(item)
        work = list(by_clip.values())
        with ClipScoreWriter(self.out) as table:
            for of_clip, found in self._crew.done("scoring", self._scoring, work):
                for item, scores in zip(of_clip, found, strict=True):
                    table.add(item.system, item.task, item.folder.name, scores)
        if self._embedding is not None:
            hear = partial(MixHearing, self._embedding, self._store, plan.source.device)
            mixes = [[item.folder for item in of_clip if item.system != FLOOR] for of_clip in work]
            for _ in self._crew.done("hearing mixes", hear, mixes):
                pass

    def findings(self, facts: Mapping[str, Any] | None = None) -> Findings:
        """Curves and choice from what was made and scored."""
        table = read_clip_scores(self.out)
        values, counts = indexed(table.to_pylist()), resampled(len(self.clips))
        infos = self._criterion(table.column("score").unique().to_pylist())
        splits = {name: task for name, task in self.tasks.items() if task.given}
        flat = {
            name: split_curve(values, self._ask(task, (PLAIN,)), task, name, infos, counts).line
            for name, task in self.tasks.items()
            if not task.given and infos
        }
        if self._by.startswith(FRECHET):
            curves = [self._frechet_curve(name) for name in splits]
        else:
            curves = [
                split_curve(values, self._ask(task, self.plan.scales), task, name, infos, counts)
                for name, task in splits.items()
            ]
        distance = self._frechet([*splits])
        line = distance if self._by.startswith(FRECHET) and distance is not None else overall(curves)
        found = Findings(
            by=self._by,
            label="coherence of the stems" if self._by == COHERENCE else self._by,
            better="lower" if self._by.startswith(FRECHET) else better_of(infos, curves),
            scales=self.plan.scales,
            splits=tuple(curves),
            overall=line,
            flat=flat,
            spreads={name: self._facts_of(name, SPREAD) for name in splits},
            levels_db={name: self._facts_of(name, LEVEL_DB) for name in splits},
            frechet=distance,
            clips=len(self.clips),
            takes=self.plan.takes,
            ceiling=self.ceiling,
            facts=facts or {},
        )
        return _with_choice(found)

    def _ask(self, task: Task, scales: Sequence[float]) -> Ask:
        return Ask(
            scales=scales,
            clips=tuple(clip.clip for clip in self.clips),
            made=frozenset(clip.clip for clip in self.clips if suits(task, clip)),
            takes=self.plan.takes,
            ceiling=self.ceiling,
        )

    def _criterion(self, scored: Iterable[str]) -> tuple[ScoreInfo, ...]:
        """The scores that decide, of those that there are; none where a distance does."""
        infos = infos_of(set(scored))
        found = criterion_scores(self._by, infos)
        if not found and not self._by.startswith(FRECHET):
            known = [info.score for info in infos if info.better != "neither"]
            raise InputError(f"--by '{self._by}' is no score: choose from {', '.join([COHERENCE, *known])}")
        return found

    def _embeddings_of_stems(self) -> tuple[str, ...]:
        """What stems are heard with beside rhythm, harmony and levels."""
        return ("clap",) if self._by == "clap" else ()

    def _frechet(self, tasks: Sequence[str]) -> Line | None:
        if self._embedding is None:
            return None
        hearing = Hearing(FeatureChoice(embeddings=(self._embedding,)).embedders(), self._store)
        plan = self.plan
        return frechet_line(hearing, self.out, tasks, self.clips, plan.scales, plan.takes, self.ceiling)

    def _frechet_curve(self, task: str) -> SplitCurve:
        line = self._frechet([task])
        if line is None:
            raise InputError(
                "too few sounds for a Fréchet distance: give more --clips or a longer --duration"
            )
        return SplitCurve(task=task, line=line, bounds=None)

    def _facts_of(self, task: str, fact: str) -> list[float]:
        """The mean of a fact over clips and takes at each λ; NaN where none has it."""
        return [self._mean_fact(task, scale, fact) for scale in self.plan.scales]

    def _mean_fact(self, task: str, scale: float, fact: str) -> float:
        folders = (
            take_folder(self.out, scale, task, clip.clip, turn)
            for clip in self.clips
            for turn in range(self.plan.takes)
        )
        known = [value for folder in folders if (value := read_facts(folder).get(fact)) is not None]
        return sum(known) / len(known) if known else math.nan


def run_sweep(sweep: GuidanceSweep, facts: Mapping[str, Any]) -> Findings:
    """Make, score, choose; write sweep.json, curve.csv, the picture and the page."""
    sweep.make()
    sweep.score()
    cost = sweep.cost
    rows = {"denoiser rows": f"{cost.asked:,} of {cost.wanted:,}"} if cost.wanted else {}
    findings = sweep.findings({**facts, "split": sweep.split, **rows})
    write_findings(findings, sweep.out)
    draw_guidance(findings, sweep.out / PICTURE)
    write_guidance_page(findings, sweep.out, [clip.clip for clip in sweep.clips])
    return findings


def _with_choice(findings: Findings) -> Findings:
    """The same with the λ that is chosen, or why none is."""
    spreads = {task_label(task): values for task, values in findings.spreads.items()}
    levels = {task_label(task): values for task, values in findings.levels_db.items()}
    refused = refusals(findings.scales, spreads, levels)
    try:
        choice = choose_scale(
            findings.scales,
            findings.overall,
            better=findings.better,
            enough=REAL if findings.by == COHERENCE else None,
            refused=refused,
        )
    except ValueError:
        return replace(findings, no_choice=NOT_TOLD)
    return replace(findings, choice=choice)

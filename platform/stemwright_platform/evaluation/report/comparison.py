"""Two systems over the same clips: differences with intervals, p-values, and the paper's stars."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import pyarrow as pa

from stemwright.metrics.paired import PairedTest, compare_paired, stars
from stemwright_platform.evaluation.report.evaluation_folder import ComparedScore
from stemwright_platform.evaluation.score_row import ScoreInfo
from stemwright_platform.evaluation.task_name import JOINT

Place = tuple[str, str, str]
"""Score, task, part."""
ClipValues = dict[Place, dict[str, float]]
"""Of one system: the value of each clip."""


def compare_systems(
    clip_scores: pa.Table,
    a: str,
    b: str,
    infos: Iterable[ScoreInfo],
    *,
    songs: Mapping[str, str] | None = None,
    test: PairedTest = "permutation",
    seed: int = 0,
) -> list[ComparedScore]:
    """System a minus system b, paired by clip.

    `songs`: clip → song; clips of one song count as one witness, each clip as one where none is known.
    Only scores of `infos` that know what is better are compared. A system that knows no tasks (its task is
    "") is compared with the other's joint task. p-values are corrected after Holm over the figures of one
    score, and stars are those of the corrected ones.
    """
    wanted = {info.score for info in infos if info.better != "neither"}
    values_a, values_b = (values_of(clip_scores, system) for system in (a, b))
    values_b = _of_tasks(values_b, {task for _, task, _ in values_a})
    values_a = _of_tasks(values_a, {task for _, task, _ in values_b})
    return compare_values(values_a, values_b, (a, b), songs=songs, test=test, seed=seed, scores=wanted)


def compare_values(
    values_a: ClipValues,
    values_b: ClipValues,
    names: tuple[str, str],
    *,
    scores: set[str],
    songs: Mapping[str, str] | None = None,
    test: PairedTest = "permutation",
    seed: int = 0,
) -> list[ComparedScore]:
    """The same on values by clip: a row for each score, task and part that two pairs or more share."""
    rows = []
    for place in values_a:
        mine, others = values_a[place], values_b.get(place, {})
        clips = sorted(mine.keys() & others.keys())
        if place[0] not in scores or len(clips) < 2:
            continue
        result = compare_paired(
            [mine[clip] for clip in clips],
            [others[clip] for clip in clips],
            clusters=[(songs or {}).get(clip, clip) for clip in clips],
            test=test,
            seed=seed,
        )
        score, task, part = place
        rows.append(
            ComparedScore(
                score=score,
                task=task,
                part=part,
                a=names[0],
                b=names[1],
                difference=result.difference,
                low=result.low,
                high=result.high,
                p_value=result.p_value,
                n=result.n,
                test=result.test,
            )
        )
    return _corrected(rows)


def values_of(clip_scores: pa.Table, system: str) -> ClipValues:
    """What a system's clips scored, without what could not be measured."""
    found: ClipValues = defaultdict(dict)
    names = ("system", "score", "task", "part", "clip", "value")
    columns = [clip_scores.column(name).to_pylist() for name in names]
    for its_system, score, task, part, clip, value in zip(*columns, strict=True):
        if its_system == system and value is not None and math.isfinite(value):
            found[score, task, part][clip] = value
    return dict(found)


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected for their number (Holm 1979); a NaN stays and counts for nothing."""
    known = sorted((p, place) for place, p in enumerate(p_values) if math.isfinite(p))
    corrected = [math.nan] * len(p_values)
    worst = 0.0
    for rank, (p, place) in enumerate(known):
        worst = max(worst, min(1.0, p * (len(known) - rank)))
        corrected[place] = worst
    return corrected


def as_json(row: ComparedScore) -> dict[str, Any]:
    """A row of report.json's `comparisons`: null for what is not a number."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in asdict(row).items()
    }


def wins(rows: Iterable[ComparedScore], infos: Mapping[str, ScoreInfo]) -> tuple[int, int, int]:
    """How many figures a is better in, b is better in, and which nobody can tell, by the stars."""
    counts = [0, 0, 0]
    for row in rows:
        better_a = (row.difference > 0) == (infos[row.score].better == "higher")
        counts[2 if not row.stars else 0 if better_a else 1] += 1
    return counts[0], counts[1], counts[2]


def _corrected(rows: Sequence[ComparedScore]) -> list[ComparedScore]:
    by_score: dict[str, list[ComparedScore]] = defaultdict(list)
    for row in rows:
        by_score[row.score].append(row)
    return [
        replace(row, p_holm=p, stars=stars(p) if math.isfinite(p) else "")
        for of_score in by_score.values()
        for row, p in zip(of_score, holm([row.p_value for row in of_score]), strict=True)
    ]


def _of_tasks(values: ClipValues, tasks: set[str]) -> ClipValues:
    """What belongs to no task is put to the joint one where the other system has that."""
    if "" in tasks or JOINT not in tasks:
        return values
    return {(score, task or JOINT, part): of_clips for (score, task, part), of_clips in values.items()}

"""Clips worth hearing: the best, the middle and the worst by a score."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import Any

import pyarrow as pa

from stemwright_platform.evaluation.clip_folder import MIX
from stemwright_platform.evaluation.report.wording import MODEL
from stemwright_platform.evaluation.score_row import ScoreInfo
from stemwright_platform.evaluation.task_name import JOINT

RANKS = ("best", "median", "worst")


def pick_examples(
    clip_scores: pa.Table,
    infos: Iterable[ScoreInfo],
    *,
    scores: Sequence[str] = (),
    system: str = MODEL,
    task: str = JOINT,
    limit: int = 3,
) -> list[dict[str, Any]]:
    """Rows of report.json's `examples`.

    `clip_scores`: columns system, task, clip, score, part, value. `scores`: those to pick by; by default the
    first `limit` of `infos` that have an opinion on what is good. A score of the mix ranks by the mix,
    another by its mean over all parts, which is then called "". Two clips have no
    median, one has only a best.
    """
    known = {info.score: info for info in infos}
    values = values_by_clip(clip_scores, system, task)
    asked = scores or [name for name, info in known.items() if info.better != "neither" and name in values]
    rows = []
    for score in asked[: None if scores else limit]:
        info = known.get(score)
        if info is None or info.better == "neither" or score not in values:
            continue
        part, of_clips = values[score]
        for rank, clip in _ranked(of_clips, info.better == "higher"):
            rows.append(
                {
                    "score": score,
                    "system": system,
                    "task": task,
                    "part": part,
                    "rank": rank,
                    "clip": clip,
                    "value": of_clips[clip],
                }
            )
    return rows


def values_by_clip(clip_scores: pa.Table, system: str, task: str) -> dict[str, tuple[str, dict[str, float]]]:
    """Score → (part, clip → value), without what could not be measured."""
    parts: dict[str, dict[str, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    names = ("system", "task", "clip", "score", "part", "value")
    columns = [clip_scores.column(name).to_pylist() for name in names]
    for its_system, its_task, clip, score, part, value in zip(*columns, strict=True):
        if (its_system, its_task) == (system, task) and value is not None and math.isfinite(value):
            parts[score][part][clip] = value
    found = {}
    for score, of_parts in parts.items():
        if MIX in of_parts:
            found[score] = (MIX, of_parts[MIX])
            continue
        clips = sorted({clip for of_clips in of_parts.values() for clip in of_clips})
        means = {c: fmean(mine[c] for mine in of_parts.values() if c in mine) for c in clips}
        found[score] = (next(iter(of_parts)) if len(of_parts) == 1 else "", means)
    return found


def _ranked(values: dict[str, float], higher: bool) -> list[tuple[str, str]]:
    """Rank and clip, distinct clips; equals in the order of their names."""
    order = sorted(values, key=lambda clip: ((-1 if higher else 1) * values[clip], clip))
    places = {"best": 0, "median": len(order) // 2, "worst": len(order) - 1}
    taken: dict[int, str] = {}
    for rank in ("best", "worst", "median"):
        if order:
            taken.setdefault(places[rank], rank)
    return sorted(((rank, order[place]) for place, rank in taken.items()), key=lambda x: RANKS.index(x[0]))

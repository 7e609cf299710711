"""What one model of an ablation made, as figures by song: the kinds of task, each beside its references."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from stemwright.metrics.interval import bootstrap_interval
from stemwright_platform.evaluation.clip_folder import MIX
from stemwright_platform.evaluation.score_row import ScoreRow
from stemwright_platform.evaluation.task_name import JOINT
from stemwright_platform.sweeps.guidance_scores import FEWEST_CLIPS, FLOOR, Cell, Values

SHARES = ("onset_lock", "beat_agreement", "chroma_agreement")
"""Told as shares of the way from strangers' stems to real ones."""
PLAIN = ("tag_agreement", "clap", "tempo_adherence", "key_adherence")
"""Told as they are, the mean over what was made."""
FRECHET = "frechet"
"""What the name of a distance begins with."""
MEASURED = "silent_share"
"""A score that every target has."""
KINDS = ("joint", "conditional", "marginal")


@dataclass(frozen=True, kw_only=True, slots=True)
class MadeScores:
    """Of one row and seed."""

    rows: tuple[ScoreRow, ...]
    """Every figure of the evaluation."""
    by_song: Mapping[tuple[str, str], Mapping[str, float]] = field(default_factory=dict)
    """(kind of task, score) → song → the mean over its clips and parts; shares for `SHARES`."""

    def distances(self) -> dict[tuple[str, str], list[ScoreRow]]:
        """(kind of task, score) → Fréchet distances of the single tracks that were made."""
        found: dict[tuple[str, str], list[ScoreRow]] = defaultdict(list)
        for row in self.rows:
            if row.score.startswith(f"{FRECHET}.") and row.part != MIX and math.isfinite(row.value):
                found[kind_of(row.task), row.score].append(row)
        return dict(found)


def kind_of(task: str) -> str:
    """Of a task's name; outputs of a system that knows no tasks are all tracks at once."""
    if task in ("", JOINT):
        return "joint"
    return "marginal" if task.endswith("_alone") else "conditional"


def way_cells(values: Values, ceiling: str) -> dict[tuple[str, str], Cell]:
    """(score, part) → its way from strangers' stems to the `ceiling`'s, where these clips tell them apart."""
    found = {}
    for system, task, score, part in values:
        if system != FLOOR or task != JOINT or score not in SHARES:
            continue
        floor, real = values[FLOOR, JOINT, score, part], values.get((ceiling, JOINT, score, part), {})
        gap = bootstrap_interval([real.get(clip, math.nan) - value for clip, value in floor.items()])
        if gap.n >= FEWEST_CLIPS and gap.low > 0:
            ends = (_mean(floor.values()), _mean(real.values()))
            found[score, part] = Cell(score=score, part=part, floor=ends[0], ceiling=ends[1])
    return found


def made_scores(
    values: Values,
    rows: Iterable[ScoreRow],
    system: str,
    *,
    clips: Sequence[Mapping[str, Any]],
    ceiling: str,
) -> MadeScores:
    """Of a system of an evaluation.

    `values`: its clip scores; `clips`: as in report.json; `ceiling`: the system of real stems.
    """
    cells = way_cells(values, ceiling)
    songs = {clip["clip"]: clip["song"] for clip in clips}
    of_clip: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for task, targets in _targets(values, system).items():
        for (score, part), cell in cells.items():
            if targets & set(part.split("|")):  # a part that was never measured counts as strangers', too
                made = values.get((system, task, score, part), {})
                for clip, value in _shares(cell, made, values[ceiling, JOINT, score, part]).items():
                    of_clip[kind_of(task), score][clip].append(value)
        for score, part in product(PLAIN, targets):
            for clip, value in values.get((system, task, score, part), {}).items():
                of_clip[kind_of(task), score][clip].append(value)
    own = tuple(row for row in rows if row.system == system)
    return MadeScores(rows=own, by_song={key: _by_song(found, songs) for key, found in of_clip.items()})


def _targets(values: Values, system: str) -> dict[str, set[str]]:
    """Task → the tracks that a system made of it."""
    found: dict[str, set[str]] = defaultdict(set)
    for its_system, task, score, part in values:
        if its_system == system and score == MEASURED:
            found[task].add(part)
    return found


def _shares(cell: Cell, made: Mapping[str, float], real: Mapping[str, float]) -> dict[str, float]:
    """By clip, of those whose real stems can be measured: what cannot be in what was made is at the floor."""
    share = {clip: (made.get(clip, math.nan) - cell.floor) / (cell.ceiling - cell.floor) for clip in real}
    known = {clip: value for clip, value in share.items() if math.isfinite(real[clip])}
    return {clip: value if math.isfinite(value) else 0.0 for clip, value in known.items()}


def _by_song(of_clip: Mapping[str, Sequence[float]], songs: Mapping[str, str]) -> dict[str, float]:
    """The mean over a song's clips of what was measured of each."""
    found: dict[str, list[float]] = defaultdict(list)
    for clip, values in of_clip.items():
        found[songs.get(clip, clip)].append(_mean(values))
    return {song: _mean(values) for song, values in found.items()}


def _mean(values: Iterable[float]) -> float:
    known = [value for value in values if math.isfinite(value)]
    return sum(known) / len(known) if known else math.nan

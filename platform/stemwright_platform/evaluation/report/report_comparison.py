"""Two evaluations over the same clips: what differs, by how much, and whether by chance."""

import json
import math
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from stemwright.errors import InputError
from stemwright_platform.evaluation.clip_score_table import read_clip_scores
from stemwright_platform.evaluation.report.comparison import ClipValues, as_json, compare_values, values_of
from stemwright_platform.evaluation.report.evaluation_folder import (
    PICTURES,
    AskedClip,
    ComparedScore,
    EvaluationReport,
    read_evaluation,
)
from stemwright_platform.evaluation.report.wording import MODEL
from stemwright_platform.evaluation.score_row import ScoreInfo

COMPARISON = "comparison.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportComparison:
    """The models of two evaluations, a and b."""

    a: EvaluationReport
    b: EvaluationReport
    names: tuple[str, str]
    """Their titles; their folders' names where the titles are the same."""
    infos: Mapping[str, ScoreInfo]
    """Scores that both have."""
    clips: Sequence[str]
    """Those that both have."""
    rows: Sequence[ComparedScore]
    values: tuple[ClipValues, ClipValues]
    """Of both models, of these clips."""

    @property
    def means(self) -> dict[tuple[str, str, str], tuple[float, float]]:
        """Score, task, part → mean of a and of b over the clips that both have measured."""
        found = {}
        for place in self.values[0].keys() & self.values[1].keys():
            mine, others = (values[place] for values in self.values)
            if shared := mine.keys() & others.keys():
                found[place] = (fmean(mine[c] for c in shared), fmean(others[c] for c in shared))
        return found

    @property
    def differing(self) -> dict[str, tuple[Any, Any]]:
        """Facts and settings that are not the same, by name."""
        found = {}
        for kind in ("model", "data", "settings"):
            mine, others = getattr(self.a, kind), getattr(self.b, kind)
            for name in dict.fromkeys((*mine, *others)):
                if name != "comparable" and mine.get(name) != others.get(name):
                    found[f"{kind}: {name}"] = (mine.get(name), others.get(name))
        return found


def compare_reports(folder_a: Path, folder_b: Path, out: Path, *, seed: int = 0) -> Path:
    """Compare two evaluations' models clip by clip; writes a page and comparison.json, returns the page.

    Raises InputError where a folder is no evaluation, where the two share no clips or mean different music
    by the same name, or where `out` holds something else.
    """
    from stemwright_platform.evaluation.report.comparison_page import write_comparison_page

    compared = compare_evaluations(read_evaluation(folder_a), read_evaluation(folder_b), seed=seed)
    _empty(out, (folder_a, folder_b))
    _write_json(compared, out / COMPARISON)
    return write_comparison_page(compared, out)


def compare_evaluations(a: EvaluationReport, b: EvaluationReport, *, seed: int = 0) -> ReportComparison:
    """Pair the models' clips. InputError where there are no pairs."""
    clips = _shared_clips(a, b)
    values = (_values(a, clips), _values(b, clips))
    infos = {score: info for score, info in a.infos.items() if score in b.infos}
    names = (a.title, b.title) if a.title != b.title else (a.folder.name, b.folder.name)
    names = names if names[0] != names[1] else (f"{names[0]} (first)", f"{names[1]} (second)")
    wanted = {score for score, info in infos.items() if info.better != "neither"}
    songs = {name: clip.song or name for name, clip in a.clips.items()}
    rows = compare_values(*values, names, scores=wanted, songs=songs, seed=seed)
    if not rows:
        raise InputError(
            f"{a.folder} and {b.folder} share no two clips with a score in the same task: evaluate both "
            "with the same --tasks"
        )
    return ReportComparison(a=a, b=b, names=names, infos=infos, clips=clips, rows=rows, values=values)


def _shared_clips(a: EvaluationReport, b: EvaluationReport) -> list[str]:
    shared = [name for name in a.clips if name in b.clips]
    if not shared:
        raise InputError(
            f"{a.folder} and {b.folder} share no clips: evaluate both on the same data with the same "
            "--split, --duration and --seed"
        )
    for name in shared:
        if unlike := _unlike(a.clips[name], b.clips[name]):
            raise InputError(
                f"{a.folder} and {b.folder} mean different music by {name} (other {unlike}): evaluate both "
                "on the same data with the same --duration"
            )
    return shared


def _unlike(one: AskedClip, other: AskedClip) -> str:
    """The first fact that two clips differ in."""
    facts, others = asdict(one), asdict(other)
    return next((name.removesuffix("_s") for name in facts if not _same(facts[name], others[name])), "")


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, abs_tol=1e-3) or (math.isnan(one) and math.isnan(other))
    return one == other


def _values(evaluation: EvaluationReport, clips: Sequence[str]) -> ClipValues:
    wanted = set(clips)
    found = values_of(read_clip_scores(evaluation.folder), MODEL)
    if not found:
        raise InputError(f"{evaluation.folder} has no clips of a model: evaluate one with --model")
    return {
        place: kept
        for place, of_clips in found.items()
        if (kept := {clip: value for clip, value in of_clips.items() if clip in wanted})
    }


def _empty(out: Path, sources: Sequence[Path]) -> None:
    """Make the folder, without what an earlier comparison left there."""
    if out.resolve() in {folder.resolve() for folder in sources}:
        raise InputError(f"{out} is one of the evaluations that are compared: choose another --out")
    if out.is_dir() and any(out.iterdir()) and not (out / COMPARISON).is_file():
        raise InputError(f"{out} holds other files: choose an empty folder for --out")
    out.mkdir(parents=True, exist_ok=True)
    for name in ("a", "b", PICTURES):
        shutil.rmtree(out / name, ignore_errors=True)


def _write_json(compared: ReportComparison, path: Path) -> None:
    report = {
        "format_version": 1,
        "a": _about(compared.a, compared.names[0]),
        "b": _about(compared.b, compared.names[1]),
        "clips": list(compared.clips),
        "differing": {name: list(pair) for name, pair in compared.differing.items()},
        "scores_info": [asdict(info) for info in compared.infos.values()],
        "comparisons": [as_json(row) for row in compared.rows],
    }
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(json.dumps(report, indent=1, ensure_ascii=False), encoding="utf-8")
    partial.replace(path)


def _about(evaluation: EvaluationReport, name: str) -> dict[str, Any]:
    return {
        "name": name,
        "title": evaluation.title,
        "created": evaluation.created,
        "model": dict(evaluation.model),
        "settings": dict(evaluation.settings),
    }

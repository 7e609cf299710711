"""A folder as an evaluation leaves it: report.json, clip_scores.parquet and real FLACs, small."""

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from stemwright.audio import write_audio
from stemwright.metrics.interval import bootstrap_interval
from stemwright.tracks import TRACKS
from stemwright_platform.evaluation.report.comparison import as_json, compare_systems
from stemwright_platform.evaluation.report.examples import pick_examples
from stemwright_platform.evaluation.score_row import ScoreInfo, ScoreRow

TASKS = ("joint", "bass_given_drums_instrument_melody", "melody_alone")
INFOS = (
    ScoreInfo(
        score="frechet.musicnn",
        label="Fréchet distance, musicnn",
        about="How far what musicnn hears in the clips is from what it hears in the reference set.",
        better="lower",
        decimals=1,
    ),
    ScoreInfo(
        score="frechet_infinity.musicnn",
        label="Fréchet distance at endless n, musicnn",
        about="The same, extrapolated over 1/n.",
        better="lower",
        decimals=1,
    ),
    ScoreInfo(
        score="tag_agreement",
        label="Tag agreement",
        about="How much surer musicnn is of the prompt's words here than elsewhere.",
        better="higher",
    ),
    ScoreInfo(score="onset_lock", label="Onset lock", about="Onsets that fall together.", better="higher"),
    ScoreInfo(
        score="chroma_agreement", label="Chroma agreement", about="The same notes at a time.", better="higher"
    ),
    ScoreInfo(
        score="leakage", label="Leakage", about="Given sound in what was made, 0 to 1.", better="lower"
    ),
    ScoreInfo(
        score="key_adherence", label="Key", about="Share of clips in the key asked for.", better="higher"
    ),
    ScoreInfo(score="silence", label="Silence", about="Share of silent time.", better="neither"),
)
LEVELS = {"shuffled": 0.1, "untrained": 0.15, "blurry": 0.35, "model": 0.55, "round_trip": 0.85, "real": 0.95}
"""How good each system is, 0 to 1."""
PAIRS = ("bass|drums", "bass|melody", "drums|instrument")
PARTS = {
    "tag_agreement": (*TRACKS.names, "mix"),
    "onset_lock": PAIRS,
    "chroma_agreement": PAIRS[1:2],
    "leakage": ("bass",),
    "key_adherence": ("mix",),
    "silence": TRACKS.names,
}


def make_report_folder(
    out: Path,
    *,
    num_clips: int = 6,
    level: float = LEVELS["model"],
    prompt: str = "slow blues, slide guitar",
    seconds: float = 0.25,
    seed: int = 1,
    sound: bool = True,
    **changes: Any,
) -> Path:
    """An evaluation of six systems; `level`: how good the model is; `changes`: of report.json."""
    clips = [f"song{i:02d}_0000s" for i in range(num_clips)]
    scores = _clip_scores(clips, {**LEVELS, "model": level}, seed)
    out.mkdir(parents=True, exist_ok=True)
    pq.write_table(scores, out / "clip_scores.parquet")
    report = {
        "format_version": 1,
        "title": "Small model on the demo corpus",
        "created": "2025-01-02 03:04",
        "model": {"name": "small", "steps": 600, "parameters": 18_800_000},
        "data": {"name": "demo", "split": "test", "songs": num_clips},
        "settings": {"seed": 1, "num_steps": 30, "tasks": list(TASKS), "guidance_scale": 1.5},
        "scores_info": [asdict(info) for info in INFOS],
        "rows": [_json(asdict(row)) for row in [*_rows(scores), *_distances(level, num_clips)]],
        "clips": [
            {"clip": clip, "song": clip[:6], "start_s": 0.0, "duration_s": seconds, "prompt": prompt}
            for clip in clips
        ],
        "examples": pick_examples(scores, INFOS),
        "comparisons": [as_json(row) for row in compare_systems(scores, "model", "blurry", INFOS)],
    }
    (out / "report.json").write_text(json.dumps(report | changes), encoding="utf-8")
    if sound:
        _write_sound(out, clips, seconds)
    return out


def edit_report(folder: Path, **changes: Any) -> dict[str, Any]:
    """Change parts of report.json; returns what it was."""
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    (folder / "report.json").write_text(json.dumps(report | changes), encoding="utf-8")
    return report


def clip_table(rows: Iterable[tuple[str, str, str, str, str, float]]) -> pa.Table:
    """Rows of (system, task, clip, score, part, value) as clip_scores.parquet has them."""
    names = ("system", "task", "clip", "score", "part", "value")
    return pa.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))


def _clip_scores(clips: Sequence[str], levels: dict[str, float], seed: int) -> pa.Table:
    rng = np.random.default_rng(seed)
    hardness = dict(zip(clips, np.random.default_rng(0).normal(0, 0.08, len(clips)), strict=True))
    rows = []
    for score, parts in PARTS.items():
        for system, level in levels.items():
            for task in TASKS if system in ("model", "untrained") else TASKS[:1]:
                for clip in clips:
                    for part in parts:
                        value = level + hardness[clip] + rng.normal(0, 0.04)
                        value = {"leakage": 1 - value, "key_adherence": round(value)}.get(score, value)
                        missing = (system, score, part) == ("model", "tag_agreement", "instrument")
                        rows.append((system, task, clip, score, part, math.nan if missing else value))
    return clip_table(rows)


def _rows(scores: pa.Table) -> list[ScoreRow]:
    values: dict[tuple[str, str, str, str], list[float]] = {}
    for row in scores.to_pylist():
        values.setdefault((row["score"], row["system"], row["task"], row["part"]), []).append(row["value"])
    rows = []
    for (score, system, task, part), of_clips in values.items():
        interval = bootstrap_interval(of_clips, draws=100)
        note = "" if math.isfinite(interval.value) else "silent in every clip"
        rows.append(
            ScoreRow(
                score=score,
                system=system,
                task=task,
                part=part,
                value=interval.value,
                low=interval.low,
                high=interval.high,
                n=interval.n,
                note=note,
            )
        )
    return rows


def _distances(level: float, n: int) -> list[ScoreRow]:
    rows = []
    for system, good in {**LEVELS, "model": level}.items():
        for score, less in (("frechet.musicnn", 0.0), ("frechet_infinity.musicnn", 2.0)):
            value = 60 * (1 - good) - less
            rows.append(
                ScoreRow(
                    score=score,
                    system=system,
                    task="joint",
                    part="mix",
                    value=value,
                    low=value - 1.5,
                    high=value + 1.5,
                    n=n,
                    note="reference: 40 clips of other test songs, 10 s",
                )
            )
    return rows


def _write_sound(out: Path, clips: Sequence[str], seconds: float) -> None:
    time = torch.arange(round(seconds * 48_000)) / 48_000
    for system in ("model", "real"):
        for task in TASKS if system == "model" else TASKS[:1]:
            for place, clip in enumerate(clips):
                folder = out / "clips" / system / task / clip
                folder.mkdir(parents=True)
                stems = [
                    0.15 * torch.sin(2 * torch.pi * (110 * (i + 1) + 10 * place) * time).expand(2, -1)
                    for i in range(len(TRACKS))
                ]
                for name, audio in zip((*TRACKS.names, "mix"), [*stems, sum(stems)], strict=True):
                    write_audio(folder / f"{name}.flac", torch.as_tensor(audio), 48_000, "PCM_16")


def _json(row: dict[str, Any]) -> dict[str, Any]:
    return {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in row.items()}

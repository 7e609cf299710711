"""report.json and scores.parquet: all figures of an evaluation, for the page and for programs."""

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from stemwright_platform.evaluation.report.evaluation_folder import FORMAT_VERSION, REPORT
from stemwright_platform.evaluation.score_row import ScoreInfo, ScoreRow

SCORES = "scores.parquet"


def write_report(
    folder: Path,
    *,
    title: str,
    created: str,
    model: Mapping[str, Any],
    data: Mapping[str, Any],
    settings: Mapping[str, Any],
    infos: Sequence[ScoreInfo],
    rows: Sequence[ScoreRow],
    clips: Sequence[Mapping[str, Any]],
    examples: Sequence[Mapping[str, Any]],
    comparisons: Sequence[Mapping[str, Any]],
) -> None:
    """Write both, each whole or not at all; what is not a number becomes null."""
    report = {
        "format_version": FORMAT_VERSION,
        "title": title,
        "created": created,
        "model": model,
        "data": data,
        "settings": settings,
        "scores_info": [asdict(info) for info in infos],
        "rows": [row.as_dict() for row in rows],
        "clips": clips,
        "examples": examples,
        "comparisons": comparisons,
    }
    text = json.dumps(_plain(report), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    partial = folder / f".{REPORT}.{os.getpid()}"
    partial.write_text(text, encoding="utf-8")
    partial.replace(folder / REPORT)
    partial = folder / f".{SCORES}.{os.getpid()}"
    pq.write_table(pa.Table.from_pylist([row.as_dict() for row in rows]), partial)
    partial.replace(folder / SCORES)


def _plain(value: Any) -> Any:
    """The same without numbers that JSON has no word for."""
    if isinstance(value, Mapping):
        return {str(name): _plain(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value

"""The results as Parquet: findings.parquet, a row a finding; songs.parquet, a row a track of a song."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from stemwright_platform.corpus.check.corpus_check import CorpusCheck
from stemwright_platform.corpus.check.file_rules import decibels
from stemwright_platform.corpus.check.measurement import MIX, SongMeasure, TrackMeasure
from stemwright_platform.corpus.manifest import Song

FINDINGS, SONGS = "findings.parquet", "songs.parquet"

FINDING_COLUMNS = pa.schema(
    [(name, pa.string()) for name in ("kind", "severity", "song_id", "split", "track", "sentence", "remedy")]
)
SONG_COLUMNS = pa.schema(
    [
        ("song_id", pa.string()),
        ("split", pa.string()),
        ("track", pa.string()),
        ("paths", pa.list_(pa.string())),
        ("is_sound", pa.bool_()),
        ("duration_s", pa.float64()),
        ("sample_rate_hz", pa.int64()),
        ("num_channels", pa.int64()),
        ("container", pa.string()),
        ("peak_dbfs", pa.float64()),
        ("rms_dbfs", pa.float64()),
        ("lufs", pa.float64()),
        ("silence_share", pa.float64()),
        ("clipped_runs", pa.int64()),
        ("clipped_samples", pa.int64()),
        ("equal_channels", pa.bool_()),
        ("late_ms", pa.float64()),
        ("gain_in_mix", pa.float64()),
        ("mix_residual_db", pa.float64()),
    ]
)


def write_results(check: CorpusCheck, folder: Path) -> None:
    """Write both files, each whole or not at all."""
    splits = {song.song_id: song.split for song in check.songs}
    findings = [
        {
            "kind": finding.kind,
            "severity": finding.severity,
            "song_id": finding.song_id,
            "split": splits[finding.song_id],
            "track": finding.track,
            "sentence": finding.sentence,
            "remedy": finding.remedy,
        }
        for finding in check.findings
    ]
    _write(folder / FINDINGS, findings, FINDING_COLUMNS)
    rows = [
        _row(song, measure, track)
        for song, measure in zip(check.songs, check.measures, strict=True)
        for track in measure.tracks
    ]
    _write(folder / SONGS, rows, SONG_COLUMNS)


def _row(song: Song, measure: SongMeasure, track: TrackMeasure) -> dict[str, Any]:
    """A track's measures; rate, channels and container are those of its first file."""
    first, fit = track.files[0], measure.fit
    late_s = {offset.track: offset.late_s for offset in fit.offsets} if fit else {}
    return {
        "song_id": song.song_id,
        "split": song.split,
        "track": track.name,
        "paths": [file.path for file in track.files],
        "is_sound": track.is_sound,
        "duration_s": track.duration_s,
        "sample_rate_hz": first.sample_rate_hz or None,
        "num_channels": first.num_channels or None,
        "container": first.container or None,
        "peak_dbfs": decibels(track.peak),
        "rms_dbfs": decibels(track.rms),
        "lufs": track.lufs,
        "silence_share": track.silence_share,
        "clipped_runs": sum(file.clipped_runs for file in track.files),
        "clipped_samples": sum(file.clipped_samples for file in track.files),
        "equal_channels": all(file.equal_channels for file in track.files),
        "late_ms": 1000 * late_s[track.name] if track.name in late_s else None,
        "gain_in_mix": fit.gains.get(track.name) if fit else None,
        "mix_residual_db": fit.residual_db if fit and track.name == MIX else None,
    }


def _write(path: Path, rows: Iterable[dict[str, Any]], columns: pa.Schema) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        pq.write_table(pa.Table.from_pylist(list(rows), columns), partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)

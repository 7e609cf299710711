"""A look at every MIDI file of a folder, kept so that the next run need not look again."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from stemwright_platform.corpus.midi.midi_source import MidiSource, find_midi, looked_at, without_repeats
from stemwright_platform.crew import done_by

FILE = ".survey.parquet"
READER = 1
"""Raise it when files would be read otherwise."""
FILES_A_TASK = 16
SCHEMA = pa.schema(
    [
        ("key", pa.string()),
        ("sha256", pa.string()),
        ("digest", pa.string()),
        ("duration_s", pa.float64()),
        ("reason", pa.string()),
    ]
)


def survey(
    midi_folder: Path,
    out: Path,
    duration_s: tuple[float, float],
    jobs: int | None,
    on_file: Callable[[float, str], None],
) -> list[MidiSource]:
    """All MIDI files below a folder, looked at, in order of their names; those of no use have a reason.

    Files that an earlier run with the same `out` looked at are not read again. `on_file` hears what
    share of the files was read now, and how many of how many are. Raises InputError where there are none.
    """
    found = find_midi(midi_folder)
    keys = [_key(source, duration_s) for source in found]
    known = _read(out / FILE)
    seen = {number: replace(found[number], **known[key]) for number, key in enumerate(keys) if key in known}
    missing = [number for number in range(len(found)) if number not in seen]
    tasks = [missing[at : at + FILES_A_TASK] for at in range(0, len(missing), FILES_A_TASK)]
    look = partial(_look, duration_s=duration_s)
    for task, sources in done_by(look, [[found[number] for number in task] for task in tasks], jobs):
        seen.update(zip(tasks[task], sources, strict=True))
        on_file(len(sources) / len(missing), f"{len(seen)} of {len(found)} files")
    ordered = [seen[number] for number in range(len(found))]
    if missing:
        _write(out / FILE, keys, ordered)
    return without_repeats(ordered)


def _look(sources: Sequence[MidiSource], duration_s: tuple[float, float]) -> list[MidiSource]:
    return [looked_at(source, *duration_s) for source in sources]


def _key(source: MidiSource, duration_s: tuple[float, float]) -> str:
    """What must be equal for a file not to be read again."""
    stat = source.path.stat()
    return f"{READER}/{duration_s[0]:g}/{duration_s[1]:g}/{stat.st_size}/{stat.st_mtime_ns}/{source.path}"


def _read(path: Path) -> dict[str, dict[str, Any]]:
    try:
        rows = pq.read_table(path, schema=SCHEMA).to_pylist()
    except (OSError, pa.ArrowException):
        return {}
    return {row.pop("key"): row for row in rows}


def _write(path: Path, keys: Sequence[str], sources: Sequence[MidiSource]) -> None:
    rows = [
        {
            "key": key,
            "sha256": source.sha256,
            "digest": source.digest,
            "duration_s": source.duration_s,
            "reason": source.reason,
        }
        for key, source in zip(keys, sources, strict=True)
    ]
    partial_file = path.with_name(f"{path.name}.partial")
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), partial_file)
    partial_file.replace(path)

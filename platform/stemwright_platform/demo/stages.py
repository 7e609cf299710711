"""Stages of long work: each said, timed, written down, and kept when the work is started again."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from stemwright_platform.time_left import duration_text

FILE = "stages.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """A part of the work."""

    name: str
    does: str
    """What it is about to do."""
    estimate_s: float
    """About how long it takes."""
    settings: Mapping[str, Any]
    """All that decides its result besides the stages before it."""
    result: Path | None
    """What it leaves. None: nothing, it only prepares the next stage and runs where that one runs."""
    run: Callable[[], str]
    """Does it and says what was done."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """A stage that is done."""

    name: str
    did: str
    """What it did."""
    seconds: float
    settings: dict[str, Any]
    """Its own and those of all stages before it."""
    kept: bool = False
    """Whether an earlier start did it."""


def run_stages(
    stages: Sequence[Stage],
    folder: Path,
    *,
    say: Callable[[str], None] = print,
    clock: Callable[[], float] = time.monotonic,
) -> list[Finished]:
    """Run what is not done yet, in order; the rest is kept. `folder` holds the notes of what is done."""
    settings = _cumulative(stages)
    earlier = _kept(stages, settings, _read(folder))
    finished: list[Finished] = []
    for number, stage in enumerate(stages):
        head = f"{number + 1}/{len(stages)} {stage.name:<10}"
        if (kept := earlier[number]) is not None:
            say(f"{head} kept from an earlier run: {kept.did} ({duration_text(kept.seconds)})")
            finished.append(kept)
            continue
        left_s = sum(
            s.estimate_s for s, e in zip(stages[number:], earlier[number:], strict=True) if e is None
        )
        say(
            f"{head} {stage.does}: about {duration_text(stage.estimate_s)}; "
            f"{duration_text(left_s)} left in total"
        )
        start = clock()
        did = stage.run()
        seconds = clock() - start
        say(f"{'':>14} {did} in {duration_text(seconds)}")
        finished.append(Finished(name=stage.name, did=did, seconds=seconds, settings=settings[number]))
        _write(folder, finished)
    return finished


def finished_before(stages: Sequence[Stage], folder: Path) -> list[Finished | None]:
    """Each stage's earlier finish where it still counts."""
    return _kept(stages, _cumulative(stages), _read(folder))


def time_needed_s(stages: Sequence[Stage], folder: Path) -> float:
    """About how long the stages that are not done yet take."""
    earlier = finished_before(stages, folder)
    return sum(stage.estimate_s for stage, kept in zip(stages, earlier, strict=True) if kept is None)


def _cumulative(stages: Sequence[Stage]) -> list[dict[str, Any]]:
    whole: dict[str, Any] = {}
    rows = []
    for stage in stages:
        whole = json.loads(json.dumps(whole | {stage.name: stage.settings}))
        rows.append(whole)
    return rows


def _kept(
    stages: Sequence[Stage], settings: Sequence[dict[str, Any]], noted: Mapping[str, Finished]
) -> list[Finished | None]:
    """Each stage's earlier finish where it still counts: the same settings, and all before it still count."""
    kept: list[Finished | None] = []
    holds = True
    for stage, wanted in zip(stages, settings, strict=True):
        note = noted.get(stage.name)
        there = note is not None and note.settings == wanted
        if stage.result is not None:
            holds = holds and there and stage.result.exists()
        kept.append(note if holds and there else None)
    for i in reversed(range(len(stages) - 1)):
        if stages[i].result is None and kept[i + 1] is None:
            kept[i] = None
    return kept


def _read(folder: Path) -> dict[str, Finished]:
    try:
        notes = json.loads((folder / FILE).read_text(encoding="utf-8"))
        return {note["name"]: Finished(**note | {"kept": True}) for note in notes}
    except (OSError, ValueError, TypeError, KeyError):
        return {}  # not started, or not ours: everything is done again


def _write(folder: Path, finished: Sequence[Finished]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{FILE}.tmp"
    temporary.write_text(json.dumps([asdict(stage) for stage in finished], indent=1) + "\n", encoding="utf-8")
    temporary.replace(folder / FILE)

"""What systems, tasks, parts and numbers are called on a page."""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

from stemwright.errors import InputError
from stemwright.tasks import Task
from stemwright.tracks import TRACKS, Tracks
from stemwright_platform.evaluation.clip_folder import MIX
from stemwright_platform.evaluation.task_name import JOINT, parse_task

NOTHING = "–"
FLOORS = ("shuffled", "untrained")
"""What a model must beat."""
CEILINGS = ("round_trip", "real")
"""What it could reach at best."""
MODEL = "model"
_SYSTEMS = {
    "real": "real songs",
    "round_trip": "codec round trip",
    "shuffled": "shuffled stems",
    "untrained": "untrained model",
    "model": "model",
}
Role = Literal["floor", "made", "ceiling"]


def system_label(system: str) -> str:
    """As "codec round trip"; a baseline's own name."""
    return _SYSTEMS.get(system, system)


def role_of(system: str) -> Role:
    """Whether a system bounds a score from below, from above, or is judged by it."""
    if system in FLOORS:
        return "floor"
    return "ceiling" if system in CEILINGS else "made"


def task_label(task: str, tracks: Tracks = TRACKS) -> str:
    """As "bass, given the rest" or "drums alone"; a name of no task as it is."""
    found = _task(task, tracks)
    if found is None or task == JOINT:
        return task or "all"
    named = " and ".join(found.targets)
    if not found.given:
        return f"{named} alone"
    return f"{named}, given {'the rest' if found.mode == 'conditional' else ', '.join(found.given)}"


def parsed_roles(task: str, tracks: Tracks = TRACKS) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Targets and given tracks; both empty for a name of no task."""
    found = _task(task, tracks)
    return (found.targets, found.given) if found else ((), ())


def task_mode(task: str, tracks: Tracks = TRACKS) -> str:
    """joint, conditional, marginal or mixed; "" for a name of no task."""
    found = _task(task, tracks)
    return found.mode if found else ""


def task_order(task: str, tracks: Tracks = TRACKS) -> tuple[int, int, tuple[int, ...]]:
    """A key for sorting: joint, conditional, mixed, marginal; fewer targets first."""
    found = _task(task, tracks)
    if found is None:
        return 0, 0, ()
    modes = ("joint", "conditional", "mixed", "marginal")
    places = tuple(tracks.names.index(name) for name in found.targets)
    return 1 + modes.index(found.mode), len(places), places


def part_label(part: str) -> str:
    """As "bass with drums" for a pair, "mixed" for the mix."""
    if not part:
        return "all"
    return "mixed" if part == MIX else part.replace("|", " · ")


def part_order(part: str, tracks: Tracks = TRACKS) -> tuple[int, ...]:
    """A key for sorting: tracks in slot order, pairs after them, then the rest, the mix last."""
    if part == MIX:
        return (3,)
    names = part.split("|")
    places = tuple(tracks.names.index(name) if name in tracks.names else len(tracks) for name in names)
    return (2 if len(tracks) in places else len(names) > 1, *places)


def number_text(value: float, decimals: int) -> str:
    """With a true minus, never "−0"; "–" for what is not a number."""
    if not math.isfinite(value):
        return NOTHING
    text = f"{value:,.{decimals}f}"
    return text.lstrip("-") if float(text.replace(",", "")) == 0 else text.replace("-", "−")


def percent_text(share: float) -> str:
    """As "62 %", on one line; "–" for what is not a number."""
    return f"{number_text(100 * share, 0)}\N{NO-BREAK SPACE}%" if math.isfinite(share) else NOTHING


def interval_text(low: float, high: float, decimals: int) -> str:
    """As "0.31 to 0.42"; empty where there is none."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return ""
    return f"{number_text(low, decimals)} to {number_text(high, decimals)}"


def p_text(p_value: float) -> str:
    """As "0.032" or "< 0.001"."""
    if not math.isfinite(p_value):
        return NOTHING
    return "< 0.001" if p_value < 0.001 else f"{p_value:.3f}"


def listed(names: Sequence[str]) -> str:
    """As "a, b and c"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


@lru_cache
def _task(name: str, tracks: Tracks) -> Task | None:
    try:
        return parse_task(name, tracks) if name else None
    except InputError:
        return None

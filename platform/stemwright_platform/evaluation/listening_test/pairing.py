"""Which clips of which systems a test puts side by side."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, cycle, islice
from pathlib import Path
from typing import Literal

from stemwright.errors import InputError
from stemwright_platform.evaluation.listening_test.system_folder import MIX, Clip, SystemFolder

Kind = Literal["pair", "same", "degraded"]
"""Two systems; the same clip twice; a clip and a spoilt copy of it. The latter two tell who listens."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """Two clips to compare, in no order that a rater sees."""

    kind: Kind
    clip: str
    """Its name, with the task before it: "joint/0001"."""
    part: str
    """"mix" or a track."""
    prompt: str
    systems: tuple[str, str]
    """Who made the first and the second; the same for checks, where the second is the spoilt one."""
    files: tuple[Path, Path]


def choose_pairs(
    systems: Sequence[SystemFolder], *, count: int, parts: Sequence[str] = (MIX,), seed: int = 0
) -> list[Pair]:
    """Up to `count` pairs, every two systems as often as any others and no clip twice while others are left.

    `parts`: which to draw from; ("all",) for all. Pairs of files with the same bytes (given tracks) are left
    out. InputError where two systems share no clip, or the texts of a clip differ.
    """
    generator = random.Random(seed)
    queues = [
        _shuffled(_candidates(first, second, parts), generator) for first, second in combinations(systems, 2)
    ]
    chosen: list[Pair] = []
    while queues and len(chosen) < count:
        for queue in list(queues):
            pair = next(queue, None)
            if pair is None:
                queues.remove(queue)
            elif len(chosen) < count:
                chosen.append(pair)
    return chosen


def choose_checks(
    system: SystemFolder, *, count: int, same: bool, is_silent: Callable[[Path], bool], seed: int = 0
) -> list[Pair]:
    """As many spoilt pairs of the system's mixes and, where `same`, as many of a clip with itself.

    InputError where all of its clips are silent.
    """
    each: list[Kind] = ["degraded", "same"] if same else ["degraded"]
    kinds = each * count
    clips = list(system.clips.values())
    random.Random(f"checks {seed}").shuffle(clips)
    heard = list(islice((clip for clip in clips if not is_silent(clip.parts[MIX])), len(kinds)))
    if kinds and not heard:
        raise InputError(f"all clips of {system.name} are silent: name first a system that makes a sound")
    return [_check(kind, system.name, clip) for kind, clip in zip(kinds, cycle(heard), strict=False)]


def _check(kind: Kind, system: str, clip: Clip) -> Pair:
    mix = clip.parts[MIX]
    return Pair(
        kind=kind,
        clip=_full_name(clip),
        part=MIX,
        prompt=clip.prompt,
        systems=(system, system),
        files=(mix, mix),
    )


def _candidates(first: SystemFolder, second: SystemFolder, parts: Sequence[str]) -> list[Pair]:
    matches = _matches(first, second)
    found = [
        _pair(first, clip, second, other, part)
        for clip, other in matches
        for part in clip.parts
        if part in other.parts and (part in parts or "all" in parts)
    ]
    if matches and not found:
        there = ", ".join(sorted({part for clips in matches for clip in clips for part in clip.parts}))
        raise InputError(
            f"--tracks {','.join(parts)}: {first.name} and {second.name} do not both have it; "
            f"there are {there}"
        )
    if not found:
        raise InputError(
            f"{first.name} and {second.name} have no clip in common ({_some(first)} and {_some(second)}): "
            "name the files of a pair alike in both folders"
        )
    return found


def _matches(first: SystemFolder, second: SystemFolder) -> list[tuple[Clip, Clip]]:
    """Clips of one task and name; by name alone where the systems share no task, as recordings have none."""
    if first.tasks & second.tasks:
        return [(clip, second.clips[key]) for key, clip in first.clips.items() if key in second.clips]
    few, many = sorted((first, second), key=lambda system: len(system.tasks))
    named: dict[str, list[Clip]] = {}
    for clip in few.clips.values():
        named.setdefault(clip.name, []).append(clip)
    found = [
        (clip, named[clip.name][0]) for clip in many.clips.values() if len(named.get(clip.name, ())) == 1
    ]
    return found if many is first else [(other, clip) for clip, other in found]


def _pair(first: SystemFolder, clip: Clip, second: SystemFolder, other: Clip, part: str) -> Pair:
    if clip.prompt and other.prompt and clip.prompt != other.prompt:
        raise InputError(
            f"clip {clip.name}: {first.name} and {second.name} were made from different texts; "
            "a fair pair has the same text"
        )
    return Pair(
        kind="pair",
        clip=max(_full_name(clip), _full_name(other), key=len),
        part=part,
        prompt=clip.prompt or other.prompt,
        systems=(first.name, second.name),
        files=(clip.parts[part], other.parts[part]),
    )


def _shuffled(pairs: list[Pair], generator: random.Random) -> Iterator[Pair]:
    """In random order, each clip once before any comes again; without pairs of equal files."""
    generator.shuffle(pairs)
    seen: dict[str, int] = {}
    turns = []
    for pair in pairs:
        seen[pair.clip] = seen.get(pair.clip, 0) + 1
        turns.append(seen[pair.clip])
    in_turn = [pair for _, pair in sorted(zip(turns, pairs, strict=True), key=lambda entry: entry[0])]
    return (pair for pair in in_turn if not _same_bytes(*pair.files))


def _same_bytes(first: Path, second: Path) -> bool:
    return first.stat().st_size == second.stat().st_size and first.read_bytes() == second.read_bytes()


def _full_name(clip: Clip) -> str:
    return f"{clip.task}/{clip.name}" if clip.task else clip.name


def _some(system: SystemFolder) -> str:
    return ", ".join(_full_name(clip) for clip in list(system.clips.values())[:2])

"""Tasks as words, for tables and folders: "joint", "bass_given_drums_melody", "bass_and_drums_alone"."""

from collections.abc import Iterable, Sequence
from itertools import chain, combinations, product
from typing import get_args

from stemwright.errors import InputError
from stemwright.tasks import Mode, Task
from stemwright.tracks import Tracks

JOINT: Mode = "joint"
KINDS = ("joint", "conditional", "marginal", "splits")


def task_name(task: Task) -> str:
    """The task's name; distinct tasks have distinct names unless track names contain these words."""
    if task.mode == JOINT:
        return JOINT
    targets = "_and_".join(task.targets)
    return f"{targets}_given_{'_'.join(task.given)}" if task.given else f"{targets}_alone"


def parse_task(name: str, tracks: Tracks) -> Task:
    """The task of a name. InputError where no task is called so."""
    found = next((task for task in _all_tasks(tracks) if task_name(task) == name), None)
    if found is None:
        example = task_name(Task(tracks.names[:1], tracks.names[1:], tracks=tracks))
        raise InputError(
            f"'{name}' is no task of {', '.join(tracks.names)}: write {', '.join(KINDS)}, or as {example}"
        )
    return found


def named_tasks(words: Iterable[str], tracks: Tracks) -> tuple[Task, ...]:
    """Tasks by kind or by name, each once, in order.

    joint: all tracks. conditional: each track given the rest. marginal: each track alone. splits: every
    part of the tracks given the rest (§5.1). InputError for another word.
    """
    found = chain.from_iterable(
        _of_kind(word, tracks) if word in KINDS else [parse_task(word, tracks)] for word in words
    )
    return tuple(dict.fromkeys(found))


def _of_kind(kind: str, tracks: Tracks) -> list[Task]:
    names = tracks.names
    if kind == JOINT:
        return [Task(names, tracks=tracks)]
    if kind == "marginal":
        return [Task((name,), tracks=tracks) for name in names]
    sizes: Sequence[int] = range(1, len(names)) if kind == "splits" else (1,)
    targets = chain.from_iterable(combinations(names, size) for size in sizes)
    return [Task(some, tuple(n for n in names if n not in some), tracks=tracks) for some in targets]


def _all_tasks(tracks: Tracks) -> Iterable[Task]:
    for roles in product(("target", "given", "absent"), repeat=len(tracks)):
        parts = {
            role: tuple(name for name, mine in zip(tracks.names, roles, strict=True) if mine == role)
            for role in ("target", "given")
        }
        if parts["target"]:
            yield Task(parts["target"], parts["given"], tracks=tracks)


def mode_of(name: str, tracks: Tracks) -> Mode:
    """The mode of a named task."""
    mode = parse_task(name, tracks).mode
    assert mode in get_args(Mode)
    return mode

from itertools import product

import pytest

from stemwright.errors import InputError
from stemwright.tasks import Task
from stemwright.tracks import TRACKS
from stemwright_platform.evaluation.task_name import mode_of, named_tasks, parse_task, task_name


def every_task() -> list[Task]:
    roles = product("tga", repeat=len(TRACKS))
    split = [
        tuple(tuple(n for n, mine in zip(TRACKS.names, some, strict=True) if mine == r) for r in "tg")
        for some in roles
    ]
    return [Task(targets, given) for targets, given in split if targets]


def test_every_task_has_a_name_of_its_own_that_leads_back_to_it() -> None:
    tasks = every_task()
    assert len({task_name(task) for task in tasks}) == len(tasks) == 65
    assert [parse_task(task_name(task), TRACKS) for task in tasks] == tasks
    assert task_name(Task(("bass",), ("drums", "melody"))) == "bass_given_drums_melody"
    assert mode_of("bass_and_drums_alone", TRACKS) == "marginal"


def test_kinds_are_the_papers_splits() -> None:
    assert [task_name(task) for task in named_tasks(["joint"], TRACKS)] == ["joint"]
    assert {task.mode for task in named_tasks(["splits"], TRACKS)} == {"conditional"}
    assert len(named_tasks(["splits"], TRACKS)) == 2 ** len(TRACKS) - 2
    assert set(named_tasks(["conditional"], TRACKS)) < set(named_tasks(["splits"], TRACKS))
    assert all(not task.given for task in named_tasks(["marginal"], TRACKS))


def test_a_task_is_done_once_however_often_it_is_named() -> None:
    twice = named_tasks(["bass_alone", "marginal", "joint", "joint"], TRACKS)
    assert len(twice) == len(TRACKS) + 1


def test_another_word_is_refused_with_an_example() -> None:
    with pytest.raises(InputError, match=r"'bas' is no task.*bass_given_drums_instrument_melody"):
        named_tasks(["bas"], TRACKS)

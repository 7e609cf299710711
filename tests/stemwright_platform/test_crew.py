import errno
import os
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from stemwright.errors import InputError
from stemwright_platform.crew import by_actors, done_by

pytestmark = pytest.mark.ray


def halved(number: int) -> float:
    if number == 13:
        raise InputError("13 is unlucky: leave it out")
    if number == 17:
        raise OSError(errno.ENOSPC, "disk full", "/full/file")
    return number / 2


class Counter:
    """Work that notes how often it was made."""

    def __init__(self, folder: Path) -> None:
        (folder / f"made {os.getpid()}").touch(exist_ok=False)

    def __call__(self, number: int) -> int:
        return number


@pytest.mark.parametrize("jobs", [1, 2, None])
def test_every_item_is_done_once_whoever_does_it(ray_cluster: Any, jobs: int | None) -> None:
    items = list(range(10))
    assert sorted(done_by(halved, items, jobs)) == [(number, number / 2) for number in items]
    assert list(done_by(halved, [], jobs)) == []


@pytest.mark.parametrize(
    ("item", "message"), [(13, "13 is unlucky: leave it out"), (17, "no space left for /full/file")]
)
def test_what_a_user_can_mend_comes_back_as_one_clear_line(ray_cluster: Any, item: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        list(done_by(halved, [1, item]))


def test_an_actor_makes_its_work_once_for_many_items(ray_cluster: Any, tmp_path: Path) -> None:
    done = list(by_actors(partial(Counter, tmp_path), list(range(20)), workers=2))
    assert len(done) == 20
    assert 1 <= len(list(tmp_path.iterdir())) <= 2

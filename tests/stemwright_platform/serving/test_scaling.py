from types import SimpleNamespace
from typing import Any

import pytest

from stemwright_platform.serving.scaling import in_hand, on_backlog


def context(told: dict[str, float] | None, each: int = 4, target: int = 2) -> Any:
    metrics = {"generations": told} if told is not None else {}
    return SimpleNamespace(
        aggregated_metrics=metrics,
        target_num_replicas=target,
        config=SimpleNamespace(target_ongoing_requests=each),
    )


@pytest.mark.parametrize(("work", "wanted"), [(0, 0), (4, 1), (9, 2.25), (40, 10)])
def test_denoisers_are_wanted_as_the_work_asks_for(work: float, wanted: float) -> None:
    assert on_backlog(context({"a": work}))[0] == wanted


def test_each_denoiser_tells_of_all_the_work_so_the_newest_figure_counts_once() -> None:
    assert on_backlog(context({"a": 8.0, "b": 12.0}))[0] == 3


@pytest.mark.parametrize("told", [None, {}])
def test_nothing_changes_while_nobody_tells(told: dict[str, float] | None) -> None:
    assert on_backlog(context(told, target=3))[0] == 3


def test_in_hand_is_a_little_more_than_there_is_room_for() -> None:
    assert in_hand(0, 4) == in_hand(1, 4) == 5
    assert in_hand(8, 4) == 40

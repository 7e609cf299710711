import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from stemwright_platform.training.teacher_feed import Snapshot, TeacherFeed
from stemwright_platform.training.teacher_lookahead import Lookahead

PATIENCE_S = 60.0


def until(happens: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def feed_of(
    *actors: object, total_steps: int = 1000, clock: Callable[[], float] = time.monotonic
) -> TeacherFeed:
    lookahead = Lookahead(start_step=0, first_step=0, capacity=6)
    return TeacherFeed(actors, lookahead, total_steps=lambda: total_steps, clock=clock)


def weights(step: int) -> Snapshot:
    return Snapshot(step=step, tensors={"w": torch.full((3,), float(step))})


def remote(kind: type, *arguments: object) -> Any:
    import ray

    made: Any = ray.remote(kind)
    return made.options(num_cpus=0.1, max_restarts=-1).remote(*arguments)


def sums_of_weights() -> type:
    """A teacher that answers with the step and the sum of its weights; the class travels by value."""

    class Adder:
        def __init__(self, mark: str = "") -> None:
            self.mark = mark

        def ready(self) -> None:
            if self.mark and not os.path.exists(self.mark + ".loads"):
                open(self.mark + ".loads", "w").close()
                raise OSError("the data is away")

        def make(self, order: Any) -> tuple[int, float]:
            import ray

            if self.mark and order.step == 2 and not os.path.exists(self.mark):
                open(self.mark, "w").close()
                os._exit(1)
            arrays: Any = ray.get(order.weights[0])
            return order.step, float(sum(arrays["w"]))

    return Adder


@pytest.mark.ray
def test_steps_are_taken_once_and_made_with_the_weights_of_their_order(ray_cluster: Any) -> None:
    actor = remote(sums_of_weights())
    now_s = 0.0

    def take(step: int) -> object:
        nonlocal now_s
        now_s += 1.0
        return feed.take(step)

    feed = feed_of(actor, clock=lambda: now_s)
    feed.publish(weights(7))
    until(lambda: feed.waiting_steps == 6)
    assert [take(step) for step in (0, 1, 1)] == [(0, 21.0), (1, 21.0), None]
    until(lambda: feed.waiting_steps == 6)
    feed.publish(weights(9))
    assert take(7) == (7, 21.0)
    until(lambda: feed.waiting_steps == 6)
    assert take(13) == (13, 27.0)
    feed.close()
    ray_cluster.kill(actor)


@pytest.mark.ray
def test_nothing_beyond_the_run_is_ordered(ray_cluster: Any) -> None:
    actor = remote(sums_of_weights())
    feed = feed_of(actor, total_steps=3)
    feed.publish(weights(0))
    until(lambda: feed.waiting_steps == 3)
    time.sleep(0.3)
    assert feed.waiting_steps == 3
    feed.close()
    ray_cluster.kill(actor)


@pytest.mark.ray
def test_a_teacher_that_cannot_load_at_first_or_dies_later_serves_in_the_end(
    ray_cluster: Any, tmp_path: Path
) -> None:
    actor = remote(sums_of_weights(), str(tmp_path / "died"))
    feed = feed_of(actor)
    feed.publish(weights(1))
    until(lambda: feed.waiting_steps == 6)
    assert (tmp_path / "died").exists()
    assert [feed.take(step) for step in range(6)] == [(step, 3.0) for step in range(6)]
    feed.close()
    ray_cluster.kill(actor)


@pytest.mark.ray
def test_a_teacher_that_is_gone_for_good_leaves_the_work_to_the_others(ray_cluster: Any) -> None:
    gone, there = remote(sums_of_weights()), remote(sums_of_weights())
    ray_cluster.kill(gone)
    feed = feed_of(gone, there)
    feed.publish(weights(1))
    until(lambda: feed.waiting_steps == 6)
    feed.close()
    ray_cluster.kill(there)


def test_a_feed_without_teachers_answers_at_once_and_ends() -> None:
    feed = feed_of()
    feed.publish(weights(0))
    assert [feed.take(step) for step in range(5)] == [None] * 5
    feed.close()
    assert not feed.is_alive


def test_weights_are_laid_out_as_arrays() -> None:
    arrays = weights(4).arrays()
    np.testing.assert_array_equal(arrays["w"], [4.0, 4.0, 4.0])

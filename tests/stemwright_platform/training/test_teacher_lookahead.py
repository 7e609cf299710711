from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from stemwright_platform.training.teacher_lookahead import Lookahead


@dataclass
class Pool:
    """Training steps of a second against a teacher of `cost_s` each, two orders at a time; no clock runs."""

    ahead: Lookahead
    cost_s: float
    queue: list[tuple[int, float]] = field(default_factory=list)
    free_s: float = 0.0
    there: set[int] = field(default_factory=set)

    def order(self, now_s: float) -> None:
        while len(self.queue) < 2 and (step := self.ahead.next_step()) is not None:
            self.queue.append((step, now_s))

    def work_until(self, now_s: float) -> None:
        self.order(self.free_s)
        while self.queue:
            step, asked_s = self.queue[0]
            done_s = max(self.free_s, asked_s) + self.cost_s
            if done_s > now_s:
                return
            self.queue.pop(0)
            self.free_s = done_s
            self.ahead.answered(done_s - asked_s)
            self.there.add(step)
            self.order(done_s)


def served(cost_s: float, *, steps: int = 300, first_step: int = 0, capacity: int = 10) -> list[int]:
    """The steps whose tracks were there in time."""
    pool = Pool(Lookahead(start_step=0, first_step=first_step, capacity=capacity), cost_s)
    found = []
    for step in range(steps):
        pool.work_until(float(step))
        if step in pool.there:
            found.append(step)
        pool.ahead.begin(step, float(step))
        pool.free_s = max(pool.free_s, float(step)) if not pool.queue else pool.free_s
    return found


def test_a_pool_that_keeps_up_serves_every_step_once_it_has_begun() -> None:
    assert set(served(0.9)) >= set(range(20, 300))


@pytest.mark.parametrize("cost_s", [2.0, 3.5, 12.0])
def test_a_slow_pool_serves_its_share_evenly(cost_s: float) -> None:
    steps = [step for step in served(cost_s) if step >= 100]
    assert len(steps) == pytest.approx(200 / cost_s, rel=0.1)
    gaps = [later - earlier for earlier, later in pairwise(steps)]
    assert max(gaps) <= cost_s + 2


def test_nothing_is_asked_for_until_the_first_step_that_wants_a_teacher_is_near() -> None:
    ahead = Lookahead(start_step=0, first_step=100, capacity=10)
    asked_at = {}
    for step in range(120):
        ahead.begin(step, float(step))
        if ahead.wants_weights:
            asked_at.setdefault("weights", step)
        while (wanted := ahead.next_step()) is not None:
            asked_at[wanted] = step
    assert min(step for step in asked_at if step != "weights") == 100
    assert 80 < asked_at["weights"] <= asked_at[100] < 100
    assert served(0.9, first_step=100)[0] == 100


def test_no_more_steps_are_open_than_the_buffer_holds() -> None:
    ahead = Lookahead(start_step=0, first_step=0, capacity=5)
    assert [ahead.next_step() for _ in range(7)] == [0, 1, 2, 3, 4, None, None]
    ahead.begin(1, 0.0)
    assert [ahead.next_step() for _ in range(3)] == [5, 6, None]


def test_a_step_that_a_lost_teacher_had_is_asked_for_again_while_there_is_time() -> None:
    ahead = Lookahead(start_step=0, first_step=0, capacity=5)
    assert [ahead.next_step() for _ in range(3)] == [0, 1, 2]
    ahead.failed(2)
    assert ahead.next_step() == 2
    ahead.failed(2)
    ahead.begin(2, 0.0)
    assert ahead.next_step() == 3


def test_a_long_checkpoint_does_not_pass_for_a_slow_step() -> None:
    ahead = Lookahead(start_step=0, first_step=0, capacity=5)
    ahead.answered(10.0)
    now_s = 0.0
    for step in range(20):
        now_s += 600.0 if step == 12 else 1.0
        ahead.begin(step, now_s)
    assert ahead.lead == 11

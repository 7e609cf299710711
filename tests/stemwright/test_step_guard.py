import math

import pytest
import torch
from toy_learning import toy_batch, toy_learner

from stemwright.errors import TrainingDiverged
from stemwright.step_guard import EXPLODED, MAX_SKIPPED, MEMORY, YOUNG, StepGuard


def settled(mean: float = 0.5) -> StepGuard:
    guard = StepGuard()
    for _ in range(YOUNG):
        guard.accept(mean)
    return guard


@pytest.mark.parametrize(
    ("loss", "grad_norm", "said"),
    [
        (math.nan, 1.0, "loss is nan"),
        (math.inf, 1.0, "loss is inf"),
        (0.5, math.nan, "norm is nan"),
        (0.5 * EXPLODED * 1.1, 1.0, "22 times its running mean"),
    ],
)
def test_what_is_wrong_is_said(loss: float, grad_norm: float, said: str) -> None:
    assert said in (settled().fault(loss, grad_norm) or "")


def test_a_sound_step_and_a_large_loss_at_the_start_pass() -> None:
    assert settled().fault(0.5 * EXPLODED * 0.9, 1e6) is None
    assert StepGuard().fault(1e6, 1.0) is None


def test_too_many_skipped_steps_stop_the_run_and_old_ones_are_forgotten() -> None:
    guard = settled()
    for step in range(0, 10 * MEMORY, MEMORY // 5):
        guard.skip(step, "bad")
    last = 11 * MEMORY
    for step in range(last - MAX_SKIPPED, last):
        guard.skip(step, "worse")
    with pytest.raises(TrainingDiverged, match=f"{MAX_SKIPPED + 1} were skipped .*last: the worst"):
        guard.skip(last, "the worst")


def test_its_memory_is_restored() -> None:
    guard, other = settled(), StepGuard()
    for step in range(MAX_SKIPPED):
        guard.skip(step, "bad")
    other.load_state(guard.state())
    assert other.fault(0.5 * EXPLODED * 1.1, 1.0) == guard.fault(0.5 * EXPLODED * 1.1, 1.0)
    with pytest.raises(TrainingDiverged):
        other.skip(MAX_SKIPPED, "bad")


def test_a_bad_sample_changes_nothing_but_the_step_count_and_is_named() -> None:
    learner = toy_learner(p1=1.0)
    learner.step(toy_batch(0))
    before = {name: value.clone() for name, value in learner.state().items()}
    bad = toy_batch(1)
    bad.latents[2] = torch.nan
    figures = learner.step(bad)
    assert figures["skipped"] == 1.0
    assert "loss" not in figures
    assert learner.skipped is not None
    assert learner.skipped.sample_ids == (int(bad.sample_ids[2]),)
    after = learner.state()
    changed = {name for name, value in after.items() if not torch.equal(value, before[name])}
    assert changed == {"step_count", "guard.skipped"}
    assert learner.step(toy_batch(2))["skipped"] == 0.0
    assert learner.skipped is None

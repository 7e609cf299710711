"""Steps that take less memory and learn the same."""

import pytest
import torch
from torch import Tensor
from toy_learning import toy_batch, toy_learner
from toy_parallel import padded

from stemwright.errors import InputError
from stemwright.learner import Learner

EVERYTHING = {"p1": 0.7, "p2": 0.5, "p2_starts_at_epoch": 0, "teacher_steps": 2, "region_probability": 0.5}


def trained(steps: int = 4, **training: object) -> tuple[Learner, list[dict[str, float]]]:
    learner = toy_learner(dtype=torch.float64, **EVERYTHING, **training)
    return learner, [learner.step(padded(toy_batch(step))) for step in range(steps)]


@pytest.fixture(scope="module")
def plain() -> tuple[Learner, list[dict[str, float]]]:
    return trained()


@pytest.mark.parametrize(
    "training",
    [{"micro_batch": 1}, {"micro_batch": 3}, {"recompute": True}, {"micro_batch": 2, "recompute": True}],
)
def test_the_step_is_the_same(
    plain: tuple[Learner, list[dict[str, float]]], training: dict[str, object]
) -> None:
    (learner, figures), (same, found) = plain, trained(**training)
    for expected, own in zip(figures, found, strict=True):
        assert own == pytest.approx(expected, rel=1e-9)
    for name, value in learner.state().items():
        torch.testing.assert_close(same.state()[name], value, rtol=1e-9, atol=1e-12, msg=name)


def kept_bytes(learner: Learner) -> int:
    """The most that a backward pass of a step finds stored of its forward pass."""
    parts: list[dict[int, int]] = []
    forward = learner.model.forward

    def begin(*arguments: object) -> Tensor:
        parts.append({})
        return forward(*arguments)  # pyright: ignore[reportArgumentType]

    def keep(value: Tensor) -> Tensor:
        storage = value.untyped_storage()
        parts[-1][storage.data_ptr()] = storage.nbytes()
        return value

    learner.model.forward = begin  # pyright: ignore[reportAttributeAccessIssue]
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda value: value):
        learner.step(toy_batch(0, size=8))
    return max(sum(part.values()) for part in parts)


def test_it_keeps_less() -> None:
    weights = sum(value.nbytes for value in toy_learner().model.parameters())
    whole = kept_bytes(toy_learner(batch_size=8)) - weights
    assert kept_bytes(toy_learner(batch_size=8, micro_batch=2)) - weights < 0.3 * whole
    assert kept_bytes(toy_learner(batch_size=8, recompute=True)) < 0.5 * (whole + weights)


def test_a_worker_that_stands_in_for_others_takes_no_more_at_once() -> None:
    assert kept_bytes(toy_learner(batch_size=4)) < 0.7 * kept_bytes(toy_learner(batch_size=8))


def test_the_averaged_model_is_not_recomputed() -> None:
    learner = toy_learner(recompute=True)
    learner.step(toy_batch(0))
    blocks = [module for module in learner.ema.module.modules() if "forward" in vars(module)]
    assert not blocks


@pytest.mark.parametrize("size", [0, 5, -1])
def test_a_part_that_is_none_is_refused(size: int) -> None:
    with pytest.raises(InputError, match=f"micro_batch is 1 to batch_size 4 windows, got {size}"):
        toy_learner(micro_batch=size)

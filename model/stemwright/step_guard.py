"""Keeps a bad batch out of the model: a step whose loss is no number, or explodes, is skipped."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from stemwright.errors import TrainingDiverged

EXPLODED = 20.0
"""A loss of so many times the running mean is an explosion; gradients are clipped below that anyway."""
YOUNG = 20
"""Steps before there is a mean to compare with."""
MEMORY = 100
"""Steps that the running mean goes back, and among which skipped steps are counted."""
MAX_SKIPPED = 10
"""Of the last MEMORY steps; more, and it is not the batches that are bad."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SkippedStep:
    """A step that changed nothing."""

    step: int
    """Its number, 0 the first."""
    reason: str
    """What was wrong."""
    sample_ids: tuple[int, ...]
    """The samples at fault; all of the step where no one alone is."""


class StepGuard:
    """Judges each step by figures that all workers share, so that all of them skip it or none does."""

    def __init__(self) -> None:
        self._mean, self._count = 0.0, 0
        self._skipped: list[int] = []

    def fault(self, loss: float, grad_norm: float) -> str | None:
        """What is wrong with a step, None where it is sound."""
        if not math.isfinite(loss):
            return f"the loss is {loss}"
        if not math.isfinite(grad_norm):
            return f"the gradient's norm is {grad_norm}"
        if self._count >= YOUNG and loss > EXPLODED * self._mean:
            return f"the loss is {loss:.3g}, {loss / self._mean:.0f} times its running mean"
        return None

    def accept(self, loss: float) -> None:
        """A sound step."""
        self._count += 1
        self._mean += (loss - self._mean) / min(self._count, MEMORY)

    def skip(self, step: int, reason: str) -> None:
        """A step that was left out. TrainingDiverged where it is one too many."""
        self._skipped = [earlier for earlier in self._skipped if earlier > step - MEMORY] + [step]
        if len(self._skipped) > MAX_SKIPPED:
            raise TrainingDiverged(
                f"training has diverged: of the {MEMORY} steps up to step {step + 1}, {len(self._skipped)} "
                f"were skipped (last: {reason}); see skipped.jsonl for the songs, or lower the learning rate"
            )

    def state(self) -> dict[str, Tensor]:
        return {
            "mean": torch.tensor([self._mean, self._count], dtype=torch.float64),
            "skipped": torch.tensor(self._skipped, dtype=torch.int64),
        }

    def load_state(self, state: dict[str, Tensor]) -> None:
        self._mean, self._count = float(state["mean"][0]), int(state["mean"][1])
        self._skipped = state["skipped"].tolist()

"""Weights in half the space: float16 where that changes next to nothing, as they were elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

MAX_ERROR = 1e-3
"""Of a tensor, relative: float16 rounds to 3e-4 (root mean square), unless values are too large or small."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rounding:
    """What halving did."""

    error: float
    """Root mean square of the change over that of the weights, all together."""
    worst: float
    """The same of the tensor that changed most."""
    kept: tuple[str, ...]
    """Tensors that stayed as they were, since float16 cannot hold their values."""

    def __str__(self) -> str:
        stayed = f", {len(self.kept)} tensors in float32" if self.kept else ""
        return f"float16, changed by {self.error:.2%} on average, {self.worst:.2%} at most{stayed}"


def halved(weights: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], Rounding]:
    """Float tensors as float16 where the relative error stays below MAX_ERROR; whole numbers untouched."""
    result, kept = dict(weights), []
    changes, powers, worst = 0.0, 0.0, 0.0
    for name, value in weights.items():
        if not value.is_floating_point():
            continue
        small, exact = value.to(torch.float16), value.double()
        change, power = float((small.double() - exact).square().sum()), float(exact.square().sum())
        error = (change / power) ** 0.5 if power else 0.0
        if not error <= MAX_ERROR:  # NaN stays too
            kept.append(name)
            continue
        result[name] = small
        changes, powers, worst = changes + change, powers + power, max(worst, error)
    error = (changes / powers) ** 0.5 if powers else 0.0
    return result, Rounding(error=error, worst=worst, kept=tuple(kept))

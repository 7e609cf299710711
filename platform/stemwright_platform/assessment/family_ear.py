"""A simple ear for families of instruments: multinomial logistic regression, trained on real stems.

Axes: N stem, E number of a description, C family.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

Floats = NDArray[np.float64]

PENALTY = 1.0
"""Of the squared weights, a family's stems together counting as much as any other's."""
FEWEST = 5
"""Stems of a family below which it cannot be learned."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FamilyEar:
    """Which of the families a description is most like."""

    families: tuple[str, ...]
    mean: Floats
    """[E]."""
    deviation: Floats
    """[E], above 0."""
    weights: Floats
    """[E + 1, C], the last row for a constant 1."""

    @classmethod
    def taught(
        cls, descriptions: NDArray[np.floating], families: Sequence[str], *, penalty: float = PENALTY
    ) -> "FamilyEar":
        """From stems `[N, E]` and the family of each. ValueError for fewer than two families of enough stems.

        Each family weighs the same, however many stems it has.
        """
        names = tuple(sorted({name for name in families if families.count(name) >= FEWEST}))
        if len(names) < 2:
            raise ValueError(f"an ear needs two families of {FEWEST} stems each, got {sorted(set(families))}")
        kept = [place for place, name in enumerate(families) if name in names]
        known = np.asarray(descriptions, np.float64)[kept]
        mean, deviation = known.mean(0), np.maximum(known.std(0), 1e-6)
        target = np.array([[families[place] == name for name in names] for place in kept], np.float64)
        scaled = _with_constant((known - mean) / deviation)
        weights = _fit(scaled, target, penalty)
        return cls(families=names, mean=mean, deviation=deviation, weights=weights)

    def probabilities(self, descriptions: NDArray[np.floating]) -> Floats:
        """`[N, C]` of stems `[N, E]`."""
        scaled = (np.asarray(descriptions, np.float64) - self.mean) / self.deviation
        return softmax(_with_constant(scaled) @ self.weights, axis=1)

    def choices(self, descriptions: NDArray[np.floating]) -> list[str]:
        """The most probable family of each of `[N, E]`."""
        return [self.families[place] for place in self.probabilities(descriptions).argmax(1)]


def _fit(scaled: Floats, target: Floats, penalty: float) -> Floats:
    """Weights `[E + 1, C]` of the least cross-entropy, families weighing alike, and squared penalty."""
    share = target @ (1 / target.sum(0)) / target.shape[1]
    shape = scaled.shape[1], target.shape[1]

    def loss(flat: Floats) -> tuple[float, Floats]:
        weights = flat.reshape(shape)
        logits = scaled @ weights
        decay = np.vstack([weights[:-1], np.zeros(shape[1])]) * penalty / shape[0]
        value = -(share[:, None] * target * log_softmax(logits, axis=1)).sum()
        slope = scaled.T @ (share[:, None] * (softmax(logits, axis=1) - target)) + decay
        return float(value + 0.5 * (decay * weights).sum()), slope.ravel()

    found = minimize(loss, np.zeros(shape[0] * shape[1]), jac=True, method="L-BFGS-B")
    return found.x.reshape(shape)


def _with_constant(scaled: Floats) -> Floats:
    return np.hstack([scaled, np.ones((len(scaled), 1))])

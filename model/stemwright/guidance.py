"""Guidance between tracks (Eq. 6) and by text, as one weighted sum over rows of one batch.

Axes: R rows, K track, D latent channel, S latent frame.

Eq. 6 with text guidance w beside it:

    ε(Z_m, ∅) + w[ε(Z_m, e) − ε(Z_m, ∅)] + λ[ε(Z_c, e) − ε(Z_m, e)]

Z_c hears the given tracks, Z_m has noise in their place, ∅ is the task prefix without a description.
λ = 1 is plain conditional, λ = 0 plain marginal, w = 1 no text guidance.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from stemwright.errors import InputError
from stemwright.tasks import Task


@dataclass(frozen=True, slots=True)
class Term:
    """One model evaluation and its weight in the guided noise estimate."""

    weight: float
    hears_given: bool
    """True: given tracks at t = 0 (Z_c); false: noise in their place (Z_m)."""
    reads_prompt: bool
    """True: prefix and description (e); false: the prefix alone (∅)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Guidance:
    """How strongly a sample follows the given tracks and the text."""

    scale: float = 1.0
    """λ of Eq. 6."""
    text_scale: float = 1.0
    """w; 1 is off."""
    rescale: float = 0.0
    """0…1: how far the guided estimate's spread is pulled back to the first term's (Lin 2023, §3.4)."""
    interval: tuple[float, float] = (0.0, 1.0)
    """Span of t/N in which guidance acts; outside it λ = w = 1 (Kynkäänniemi 2024)."""

    def __post_init__(self) -> None:
        if not 0 <= self.scale <= 100 or not 0 <= self.text_scale <= 100:
            raise InputError("guidance scales must lie between 0 and 100 (1 is plain conditional)")
        if not 0 <= self.rescale <= 1:
            raise InputError("guidance rescale must lie between 0 and 1")
        if not 0 <= self.interval[0] <= self.interval[1] <= 1:
            raise InputError("a guidance interval is two fractions of the schedule, low first")

    def terms(self, task: Task, fraction: float = 1.0) -> tuple[Term, ...]:
        """The evaluations needed at `fraction` = t/N; those of weight 0 are left out.

        Without given tracks Eq. 6 says nothing and text guidance alone applies.
        """
        inside = self.interval[0] <= fraction <= self.interval[1]
        lam, w = (self.scale, self.text_scale) if inside else (1.0, 1.0)
        if not task.given:
            terms = (Term(w, False, True), Term(1 - w, False, False))
        else:
            terms = (Term(lam, True, True), Term(w - lam, False, True), Term(1 - w, False, False))
        return tuple(term for term in terms if term.weight != 0)

    def combine(self, eps: Tensor, terms: Sequence[Term], rows_per_term: int) -> Tensor:
        """The guided noise estimate [B, K, D, S] from rows [len(terms)·B, K, D, S], term by term."""
        parts = eps.unflatten(0, (len(terms), rows_per_term))
        guided = parts[0] if terms[0].weight == 1 and len(terms) == 1 else _weighted(parts, terms)
        if self.rescale and len(terms) > 1:
            guided = _rescaled(guided, parts[0], self.rescale)
        return guided


def _weighted(parts: Tensor, terms: Sequence[Term]) -> Tensor:
    total = parts[0] * terms[0].weight
    for part, term in zip(parts[1:], terms[1:], strict=True):
        total = total + part * term.weight
    return total


def _rescaled(guided: Tensor, reference: Tensor, amount: float) -> Tensor:
    """Pull the spread of each track's estimate back to that of the unguided one."""
    ratio = reference.std((-2, -1), keepdim=True) / guided.std((-2, -1), keepdim=True).clamp(min=1e-8)
    return guided * (amount * ratio + (1 - amount))

"""Which λ a sweep chooses: no stronger than the figures ask for.

The best λ by a noisy curve is often an accident of the clips, and strong guidance costs variety. So the
choice is the λ nearest to 1, plain conditional generation, among those that are not worse than the best by
more than one standard error of the paired difference (the one-standard-error rule; Breiman 1984, §3.4.3).
Stems that hang together as real ones do are enough: more than that is no better.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from stemwright_platform.evaluation.score_row import Better
from stemwright_platform.sweeps.guidance_line import Line

PLAIN = 1.0
"""λ of plain conditional generation."""
COLLAPSED, EXPLODED = 0.25, 4.0
"""Spread over seeds, relative to that at λ = 1, beyond which a λ is refused."""
LOUD_DB = 6.0
"""Distance of a split's mean level from the real one beyond which a λ is refused, unless λ = 1 is as far."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """What a sweep found."""

    scale: float
    """λ to set: of those as good as the best, the nearest to 1."""
    best: float
    """λ of the best mean."""
    as_good: tuple[float, ...]
    """Those within one paired standard error of the best, itself among them, and those that are enough."""
    refused: Mapping[float, str] = field(default_factory=dict)
    """λ → why it could not be chosen."""


def choose_scale(
    scales: Sequence[float],
    line: Line,
    *,
    better: Better = "higher",
    enough: float | None = None,
    refused: Mapping[float, str] | None = None,
) -> Choice:
    """The choice from a line over `scales`. λ that are refused, or were not measured, cannot be chosen.

    `enough`: a figure from which on a better one is none.
    ValueError where none can.
    """
    assert better != "neither"
    refused = dict(refused or {})
    sign = 1.0 if better == "higher" else -1.0
    open_to = [q for q, scale in enumerate(scales) if scale not in refused and np.isfinite(line.values[q])]
    if not open_to:
        raise ValueError("no guidance scale could be measured")
    best = max(open_to, key=lambda q: (sign * line.values[q], -_strength(scales[q])))
    behind = line.differences(best)
    errors = behind.standard_errors()
    as_good = [
        q
        for q in open_to
        if q == best
        or -sign * behind.values[q] <= errors[q]
        or (enough is not None and sign * line.values[q] >= sign * enough)
    ]
    chosen = min(as_good, key=lambda q: (_strength(scales[q]), scales[q]))
    return Choice(
        scale=scales[chosen],
        best=scales[best],
        as_good=tuple(scales[q] for q in as_good),
        refused=refused,
    )


def refusals(
    scales: Sequence[float], spreads: Mapping[str, Sequence[float]], levels_db: Mapping[str, Sequence[float]]
) -> dict[float, str]:
    """λ that change what they should not, and why; λ = 1, which must be among `scales`, never is.

    `spreads`: split → spread over seeds at each λ, NaN where there was one take; `levels_db`: split → mean
    level against the real one.
    """
    plain = scales.index(PLAIN)
    found: dict[float, str] = {}
    for q, scale in enumerate(scales):
        reasons = [_spread_fault(split, values[q], values[plain]) for split, values in spreads.items()]
        reasons += [_level_fault(split, values[q], values[plain]) for split, values in levels_db.items()]
        if q != plain and (said := [reason for reason in reasons if reason]):
            found[scale] = said[0]
    return found


def _spread_fault(split: str, spread: float, plain: float) -> str | None:
    ratio = spread / plain if plain > 0 else float("nan")
    if ratio < COLLAPSED:
        return f"takes of {split} hardly differ: {ratio:.2f} of the spread over seeds at λ = 1"
    if ratio > EXPLODED:
        return f"takes of {split} scatter: {ratio:.1f} times the spread over seeds at λ = 1"
    return None


def _level_fault(split: str, level_db: float, plain_db: float) -> str | None:
    if abs(level_db) > max(LOUD_DB, abs(plain_db)):
        return f"{split} comes {level_db:+.1f} dB off the real level"
    return None


def _strength(scale: float) -> float:
    """How far a scale is from plain conditional generation."""
    return abs(scale - PLAIN)

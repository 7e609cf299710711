"""A figure that a model is held to: what was measured, and what it ought to be."""

import math
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """What a figure ought to be: at least, or at most, a bound."""

    bound: float
    at_least: bool
    """Else at most."""

    def __post_init__(self) -> None:
        """ValueError for a bound that nothing can reach."""
        if not math.isfinite(self.bound):
            raise ValueError(f"a target must be finite, got {self.bound}")

    def holds(self, value: float) -> bool:
        """False for NaN: what could not be measured is not reached."""
        return value >= self.bound if self.at_least else value <= self.bound

    def missed_by(self, value: float) -> float:
        """How far the value is on the wrong side, 0 where it is on the right one; NaN for NaN."""
        return 0.0 if self.holds(value) else abs(value - self.bound)

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.bound:g}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """One line of an assessment."""

    name: str
    """As `coherence.chroma_agreement.bass_given`: what it is, then of what; unique in an assessment."""
    about: str
    """One short sentence for a reader who has not read the rest."""
    value: float
    """NaN where it could not be measured; `note` says why."""
    low: float = math.nan
    """Of the 95 % interval; NaN where none is known."""
    high: float = math.nan
    target: Target | None = None
    """None: shown beside others, held to nothing."""
    n: int = 0
    """What it was measured on; `note` says of what kind."""
    note: str = ""
    """Units, what n counts, and what a reader must know to trust it."""

    @property
    def met(self) -> bool | None:
        """Whether the value reaches its target; None where it has none."""
        return None if self.target is None else self.target.holds(self.value)

    @property
    def missed_by(self) -> float:
        """0 where the target is met or there is none; NaN where the value is."""
        return 0.0 if self.target is None else self.target.missed_by(self.value)

    @property
    def verdict(self) -> str:
        """`met`, `missed by 0.12`, `not measured`, or nothing where there is no target."""
        if self.target is None:
            return ""
        if math.isnan(self.value):
            return "not measured"
        return "met" if self.met else f"missed by {self.missed_by:.2g}"

    def as_json(self) -> dict[str, Any]:
        """Its fields with the verdict; NaN as None, as JSON knows none."""
        fields = {**asdict(self), "met": self.met, "verdict": self.verdict}
        return {
            name: None if isinstance(value, float) and math.isnan(value) else value
            for name, value in fields.items()
        }


def figure_of_json(fields: dict[str, Any]) -> Figure:
    """What `as_json` wrote. Raises KeyError or TypeError for anything else."""
    target = fields["target"]
    numbers = {
        name: math.nan if fields[name] is None else float(fields[name]) for name in ("value", "low", "high")
    }
    return Figure(
        name=fields["name"],
        about=fields["about"],
        target=None if target is None else Target(**target),
        n=int(fields["n"]),
        note=fields["note"],
        **numbers,
    )

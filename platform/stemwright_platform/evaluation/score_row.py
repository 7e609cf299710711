"""A figure of an evaluation: which score, of what, and how sure it is."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

Better = Literal["higher", "lower", "neither"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoreInfo:
    """What a score is, for reports."""

    score: str
    """Its name, as "frechet.musicnn", "clap" or "onset_lock"."""
    label: str
    """For a heading."""
    about: str
    """One sentence: what it says, and its range."""
    better: Better
    """Where good lies."""
    decimals: int = 2
    """Worth printing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoreRow:
    """One figure. Rows that differ in `system` alone compare."""

    score: str
    """Name of a `ScoreInfo`."""
    system: str
    """"model", "real", "round_trip", "shuffled", "untrained", or the name of a baseline."""
    task: str
    """As "joint" or "bass_given_drums_melody"; "" where the figure belongs to no task."""
    part: str
    """A track, a pair "bass|drums", or "mix"."""
    value: float
    low: float
    """95 % bootstrap interval."""
    high: float
    n: int
    """Clips, or patches where `note` says so."""
    note: str = ""
    """What else the figure hangs on: reference set, duration, extrapolation."""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

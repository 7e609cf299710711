"""What a sweep says and how sure it is: means over seeds, and which settings differ beyond the noise.

Settings are compared in randomised blocks: a seed's trials share weights, data order and noise, so what a
seed adds to all of them alike is taken out. What is left over is the noise of training; it is pooled over all
settings, for with two or three seeds no setting knows its own. Differences are judged by Tukey's range, which
allows for the best having been chosen among many.

Axes: C setting, S seed.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stemwright_platform.sweeps.setting import Setting, in_words
from stemwright_platform.sweeps.trial_result import TrialResult

LEVEL = 0.95
SURE = 0.05
"""A difference with a smaller p is beyond the noise."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One setting."""

    setting: dict[str, Any]
    """Its fields."""
    values: dict[int, float]
    """Score of each seed that was trained to the end; lower is better."""
    mean: float
    """Over the seeds; NaN where there are none."""
    low: float
    """95 % interval of the mean, of the noise between settings; NaN where it cannot be told."""
    high: float
    p_worse: float | None = None
    """Tukey's p of the difference to the best; None for the best itself and where it cannot be told."""
    notes: tuple[str, ...] = ()
    """Of seeds that did not end."""

    @property
    def name(self) -> str:
        return in_words(self.setting)


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """All settings of a sweep by one score."""

    score: str
    """Which."""
    cells: list[Cell]
    """In the order of the trials."""
    best: int | None = None
    """Number of the lowest mean; None where no trial has ended."""
    noise: float = math.nan
    """Standard deviation between trials of the same setting, seeds' common part left out."""
    degrees: int = 0
    """Of freedom, that the noise is known by; 0 with one seed."""
    p_any: float | None = None
    """F-test: whether the settings differ at all."""
    conclusion: str = field(default="")
    """All of it in a few sentences."""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def summarise(results: Sequence[TrialResult], score: str, fields: Sequence[str] | None = None) -> Summary:
    """Means, intervals and comparisons of a score.

    `fields`: compare by these alone, a seed's mean over whatever else varies; the noise is that of all
    settings, where each value of these fields was tried with as many.
    """
    gathered = _gathered(results, score, fields)
    cells = gathered.values
    blocks = Blocks.of(list(cells.values()), whole=None if fields is None else _whole(results, score))
    means = [float(np.mean(list(values.values()))) if values else math.nan for values in cells.values()]
    best = None if all(map(math.isnan, means)) else int(np.nanargmin(means))
    rows = []
    for number, (key, values) in enumerate(cells.items()):
        half = blocks.half_width if number in blocks.rows else math.nan
        rows.append(
            Cell(
                setting=dict(gathered.settings[key]),
                values=values,
                mean=means[number],
                low=means[number] - half,
                high=means[number] + half,
                p_worse=None if best is None or number == best else blocks.p_between(number, best),
                notes=tuple(gathered.notes[key]),
            )
        )
    summary = Summary(
        score=score, cells=rows, best=best, noise=blocks.noise, degrees=blocks.degrees, p_any=blocks.p_any
    )
    return replace(summary, conclusion=told(summary))


@dataclass(frozen=True, kw_only=True, slots=True)
class Blocks:
    """Settings that were trained with every seed, and the noise that they are judged by."""

    values: NDArray[np.float64]
    """[C, S]."""
    rows: tuple[int, ...]
    """Which settings they are."""
    noise: float
    """Standard deviation between trials; NaN where it cannot be told."""
    degrees: int
    """Of freedom of the noise."""
    repeats: float = 1.0
    """Trials of each seed that a value is the mean of."""

    @classmethod
    def of(cls, cells: Sequence[Mapping[int, float]], *, whole: "Blocks | None" = None) -> "Blocks":
        """`whole`: the same trials by all of their fields, whose noise is known better."""
        seeds = sorted({seed for cell in cells for seed in cell})
        rows = tuple(number for number, cell in enumerate(cells) if seeds and len(cell) == len(seeds))
        values = np.asarray([[cells[row][seed] for seed in seeds] for row in rows], dtype=np.float64)
        values = values.reshape(len(rows), len(seeds))
        if whole is not None and rows and len(whole.rows) % len(rows) == 0 and whole.degrees:
            repeats = len(whole.rows) / len(rows)
            return cls(values=values, rows=rows, noise=whole.noise, degrees=whole.degrees, repeats=repeats)
        noise, degrees = _residual(values)
        return cls(values=values, rows=rows, noise=noise, degrees=degrees)

    @property
    def error(self) -> float:
        """Standard error of a mean."""
        return self.noise / math.sqrt(self.values.shape[1] * self.repeats)

    @property
    def half_width(self) -> float:
        """Of a mean's 95 % interval."""
        if not self.degrees:
            return math.nan
        from scipy.stats import t

        return float(t.ppf((1 + LEVEL) / 2, self.degrees)) * self.error

    @property
    def p_any(self) -> float | None:
        if not self.degrees or self.noise == 0 or len(self.values) < 2:
            return None
        from scipy.stats import f

        between = float(self.values.mean(1).var(ddof=1)) / self.error**2
        return float(f.sf(between, len(self.values) - 1, self.degrees))

    def difference(self, one: int, other: int) -> tuple[float, float, float] | None:
        """One setting less another, half of its 95 % interval, p by Student's t: for a planned comparison.

        By their numbers among all; None where it cannot be told.
        """
        if not self.degrees or self.noise == 0 or one not in self.rows or other not in self.rows:
            return None
        from scipy.stats import t

        means, error = self.values.mean(1), self.error * math.sqrt(2)
        gap = float(means[self.rows.index(one)] - means[self.rows.index(other)])
        half = float(t.ppf((1 + LEVEL) / 2, self.degrees)) * error
        return gap, half, 2 * float(t.sf(abs(gap) / error, self.degrees))

    def p_between(self, one: int, other: int) -> float | None:
        """Tukey's p of a difference between two settings, by their numbers among all."""
        if not self.degrees or self.noise == 0 or one not in self.rows or other not in self.rows:
            return None
        from scipy.stats import studentized_range

        means = self.values.mean(1)
        gap = abs(float(means[self.rows.index(one)] - means[self.rows.index(other)]))
        return float(studentized_range.sf(gap / self.error, len(self.values), self.degrees))


def _residual(values: NDArray[np.float64]) -> tuple[float, int]:
    """Standard deviation left over by setting + seed, and its degrees of freedom; NaN and 0 without any."""
    count, seeds = values.shape
    degrees = max(count - 1, 0) * max(seeds - 1, 0)
    if not degrees:
        return math.nan, 0
    left = values - values.mean(1, keepdims=True) - values.mean(0, keepdims=True) + values.mean()
    return float(np.sqrt((left**2).sum() / degrees)), degrees


def _whole(results: Sequence[TrialResult], score: str) -> Blocks | None:
    """The blocks of all fields; None unless every setting has every seed, for means would not be balanced."""
    cells = list(_gathered(results, score, None).values.values())
    blocks = Blocks.of(cells)
    return blocks if len(blocks.rows) == len(cells) else None


def told(summary: Summary) -> str:
    """What may be concluded, in a few sentences."""
    if summary.best is None:
        return "No trial has ended."
    best = summary.cells[summary.best]
    start = f"Lowest {summary.score}: {best.name} ({best.mean:.4f})."
    if len(summary.cells) == 1:
        return start
    if not summary.degrees or summary.p_any is None:
        return f"{start} With one seed nothing says how much of the differences is chance: repeat with more."
    judged = [cell for cell in summary.cells if cell.p_worse is not None]
    worse = [cell for cell in judged if (cell.p_worse or 0) < SURE]
    noise = f"Trials of one setting differ by {summary.noise:.2g} (standard deviation)."
    if not worse:
        alike = f"p = {summary.p_any:.2g} for all alike"
        return f"{start} {noise} No setting is worse beyond that noise ({alike})."
    rest = [cell for cell in judged if cell not in worse]
    alike = f"cannot be told from {_list(rest)}" if rest else "is better than every other setting"
    return f"{start} {noise} It {alike}" + (f", and is better than {_list(worse)}." if rest else ".")


def _list(cells: Sequence[Cell]) -> str:
    names = [cell.name for cell in cells]
    return ("; ".join(names[:6])) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Gathered:
    """The trials by setting, in words."""

    values: dict[str, dict[int, float]]
    """Score by seed."""
    settings: dict[str, Setting]
    """Fields and values."""
    notes: dict[str, list[str]]
    """Of seeds that did not end."""


def _gathered(results: Sequence[TrialResult], score: str, fields: Sequence[str] | None) -> _Gathered:
    lists: dict[str, dict[int, list[float]]] = {}
    settings: dict[str, Setting] = {}
    notes: dict[str, list[str]] = {}
    for result in results:
        setting = {f: result.setting[f] for f in (result.setting if fields is None else fields)}
        key = in_words(setting)
        settings[key] = setting
        own, said = lists.setdefault(key, {}), notes.setdefault(key, [])
        value = result.scores.get(score, math.nan)
        if result.state == "finished" and math.isfinite(value):
            own.setdefault(result.seed, []).append(value)
        else:
            said.append(f"seed {result.seed} {_state(result)}")
    means = {key: {s: float(np.mean(v)) for s, v in own.items()} for key, own in lists.items()}
    return _Gathered(values=means, settings=settings, notes=notes)


def _state(result: TrialResult) -> str:
    if result.state == "stopped":
        return f"stopped at step {result.steps}"
    return f"{result.state}: {result.reason}" if result.reason else result.state

"""What listeners prefer: shares of votes, strengths of several systems, and how far raters agree.

Axes: C cluster (a rater or a pair), S system, R bootstrap draw.
"""

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.special import expit

from stemwright.metrics.interval import DRAWS, LEVEL, NOTHING, Interval, drawn_interval
from stemwright.metrics.paired import compare_paired

Cluster = Literal["rater", "item"]
PRIOR = 0.1
"""Pseudo-votes of each system, half won, against an average one: strengths stay finite."""
MOST_STEPS, CONVERGED = 100, 1e-9


@dataclass(frozen=True, kw_only=True, slots=True)
class Vote:
    """One answer of one rater to one pair."""

    rater: str
    item: str
    """What was compared: votes for the same item compare."""
    first: str
    """A system."""
    second: str
    """Another."""
    won: float
    """1 where the first is preferred, 0 where the second is, 0.5 for neither."""

    def __post_init__(self) -> None:
        if self.won not in (0.0, 0.5, 1.0) or self.first == self.second:
            raise ValueError(f"no vote: {self}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Preference:
    """Votes between two systems: the Relative Preference Ratio (§5.1) and how sure it is."""

    first: str
    second: str
    share: Interval
    """Share of votes that prefer the first, ties counted half, 0…1; Wilson's interval; n votes."""
    share_by_rater: Interval
    """The same share; bootstrap interval over raters, whose votes are not independent; n raters."""
    wins: int
    """Votes for the first."""
    ties: int
    losses: int
    p_value: float
    """Two-sided sign test over votes that are no ties: that either is as likely."""
    p_value_by_rater: float
    """Two-sided, raters as wholes: their votes' signs flipped together. NaN without votes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Strength:
    """Of a system among several (Bradley and Terry 1952)."""

    system: str
    log_strength: Interval
    """Mean 0 over systems; sigmoid of a difference is the chance to be preferred. n clusters."""

    @property
    def share(self) -> float:
        """Chance to be preferred over a system of average strength, 0…1."""
        return 1 / (1 + math.exp(-self.log_strength.value))


@dataclass(frozen=True, kw_only=True, slots=True)
class Agreement:
    """Between raters, over items that two or more of them answered."""

    percent: float
    """Share of pairs of raters' answers to an item that are the same, 0…1."""
    alpha: float
    """Krippendorff's, nominal: 1 agreement, 0 what chance gives, below 0 less."""
    items: int
    raters: int
    """Most that answered the same item."""


def wilson_interval(wins: float, n: int, *, level: float = LEVEL) -> Interval:
    """A share of n votes and its interval (Wilson 1927); of none, NaN. `wins` may count ties half."""
    if not 0 <= wins <= n:
        raise ValueError(f"{wins} of {n} votes")
    if n == 0:
        return NOTHING
    z = float(stats.norm.ppf((1 + level) / 2))
    share = wins / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low = 0.0 if wins == 0 else centre - half  # exactly, where rounding leaves 1e-17
    high = 1.0 if wins == n else centre + half
    return Interval(value=share, low=low, high=high, n=n)


def sign_test(wins: int, losses: int) -> float:
    """Two-sided p-value of that many wins and losses where both are as likely; 1 without any."""
    return float(stats.binomtest(wins, wins + losses).pvalue) if wins + losses else 1.0


def preference(
    votes: Iterable[Vote],
    first: str,
    second: str,
    *,
    level: float = LEVEL,
    draws: int = DRAWS,
    seed: int = 0,
) -> Preference:
    """How many prefer the first of two systems; votes between others do not count."""
    won = [
        (vote.rater, vote.won if vote.first == first else 1 - vote.won)
        for vote in votes
        if {vote.first, vote.second} == {first, second}
    ]
    counts = Counter(value for _, value in won)
    share = wilson_interval(counts[1.0] + counts[0.5] / 2, len(won), level=level)
    raters = _by_rater(won)
    sums, numbers = raters[:, 0], raters[:, 1]
    return Preference(
        first=first,
        second=second,
        share=share,
        share_by_rater=_share_by_rater(raters, share.value, level=level, draws=draws, seed=seed),
        wins=counts[1.0],
        ties=counts[0.5],
        losses=counts[0.0],
        p_value=sign_test(counts[1.0], counts[0.0]),
        p_value_by_rater=compare_paired(sums, numbers / 2, seed=seed).p_value,
    )


def bradley_terry(
    votes: Sequence[Vote],
    *,
    by: Cluster = "rater",
    level: float = LEVEL,
    draws: int = DRAWS,
    seed: int = 0,
) -> list[Strength]:
    """Strengths of all systems that got votes, the strongest first; ties count as half a win each.

    Intervals are bootstrapped over raters, or items: whole clusters are drawn. A tenth of a pseudo-vote
    a system keeps strengths finite where one wins always; systems that no chain of votes links
    (`linked_systems`) only seem to compare.
    """
    systems = sorted({name for vote in votes for name in (vote.first, vote.second)})
    if not systems:
        return []
    clusters = _wins_by_cluster(votes, systems, by)
    found = _log_strengths(clusters.sum(axis=0)[None])[0]
    count = len(clusters)
    weights = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=draws)
    drawn = _log_strengths(np.einsum("rc,cij->rij", weights, clusters))
    strengths = [
        Strength(system=name, log_strength=drawn_interval(float(value), drawn[:, place], count, level=level))
        for place, (name, value) in enumerate(zip(systems, found, strict=True))
    ]
    return sorted(strengths, key=lambda strength: (-strength.log_strength.value, strength.system))


def linked_systems(votes: Iterable[Vote]) -> list[set[str]]:
    """Groups of systems that chains of votes link: strengths compare within one."""
    groups: list[set[str]] = []
    for vote in votes:
        pair = {vote.first, vote.second}
        touched = [group for group in groups if group & pair]
        groups = [group for group in groups if not group & pair] + [pair.union(*touched)]
    return groups


def agreement(votes: Iterable[Vote]) -> Agreement:
    """How far raters agree on the items that more than one of them answered; NaN where none is."""
    units: dict[str, list[str]] = {}
    for vote in votes:
        names = {1.0: vote.first, 0.0: vote.second, 0.5: ""}
        units.setdefault(vote.item, []).append(names[vote.won])
    answers = [unit for unit in units.values() if len(unit) > 1]
    return Agreement(
        percent=percent_agreement(answers),
        alpha=krippendorff_alpha(answers),
        items=len(answers),
        raters=max(map(len, answers), default=0),
    )


def percent_agreement(units: Iterable[Sequence[Hashable]]) -> float:
    """Share of pairs of answers within a unit that are the same, each unit's pairs counted."""
    same = pairs = 0
    for unit in units:
        same += sum(math.comb(count, 2) for count in Counter(unit).values())
        pairs += math.comb(len(unit), 2)
    return same / pairs if pairs else math.nan


def krippendorff_alpha(units: Iterable[Sequence[Hashable]]) -> float:
    """Krippendorff's α for nominal answers; units of one answer are left out (Krippendorff 2011).

    1 where all agree, even where only one answer was ever given; NaN without a unit of two.
    """
    compared = [unit for unit in units if len(unit) > 1]
    totals = Counter(answer for unit in compared for answer in unit)
    n = totals.total()
    if not n:
        return math.nan
    seen = sum(_disagreeing(Counter(unit)) / (len(unit) - 1) for unit in compared) / n
    expected = _disagreeing(totals) / (n * (n - 1))
    return 1 - seen / expected if expected else 1.0


def _disagreeing(counts: Mapping[Hashable, int]) -> int:
    """Ordered pairs of answers that differ."""
    return sum(counts.values()) ** 2 - sum(count**2 for count in counts.values())


def _by_rater(won: Sequence[tuple[str, float]]) -> NDArray[np.float64]:
    """`[raters, 2]`: votes won and votes given."""
    rows: dict[str, list[float]] = {}
    for rater, value in won:
        row = rows.setdefault(rater, [0.0, 0.0])
        row[0] += value
        row[1] += 1
    return np.array(list(rows.values()), dtype=np.float64).reshape(-1, 2)


def _share_by_rater(
    raters: NDArray[np.float64], share: float, *, level: float, draws: int, seed: int
) -> Interval:
    count = len(raters)
    if not count:
        return NOTHING
    weights = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=draws)
    drawn = weights @ raters
    return drawn_interval(share, drawn[:, 0] / drawn[:, 1], count, level=level)


def _wins_by_cluster(votes: Sequence[Vote], systems: Sequence[str], by: Cluster) -> NDArray[np.float64]:
    """`[C, S, S]`: how often the row's system was preferred over the column's."""
    place = {name: number for number, name in enumerate(systems)}
    names = sorted({getattr(vote, by) for vote in votes})
    row = {name: number for number, name in enumerate(names)}
    wins = np.zeros((len(names), len(systems), len(systems)))
    for vote in votes:
        cluster, i, j = row[getattr(vote, by)], place[vote.first], place[vote.second]
        wins[cluster, i, j] += vote.won
        wins[cluster, j, i] += 1 - vote.won
    return wins


def _log_strengths(wins: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log-strengths `[R, S]`, mean 0, most likely given wins `[R, S, S]`, by Newton's method."""
    met = wins + wins.transpose(0, 2, 1)
    logs: NDArray[np.float64] = np.zeros(wins.shape[:2])
    for _ in range(MOST_STEPS):
        chance = expit(logs[:, :, None] - logs[:, None, :])
        slope = (wins - met * chance).sum(axis=2) + PRIOR * (0.5 - expit(logs))
        weight = met * chance * (1 - chance)
        own = weight.sum(axis=2) + PRIOR * expit(logs) * expit(-logs)
        curvature = own[:, :, None] * np.eye(wins.shape[1]) - weight
        step = np.linalg.solve(curvature, slope[:, :, None])[:, :, 0]
        logs += np.clip(step, -1, 1)  # a whole step overshoots where a system wins always
        if np.abs(step).max() < CONVERGED:
            break
    return logs - logs.mean(axis=1, keepdims=True)

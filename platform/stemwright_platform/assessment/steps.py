"""How few solver steps keep what the model can do: time and scores at each number of steps.

The same windows, noise and prompts at every number, so that differences are the steps' own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite, nan
from pathlib import Path

import numpy as np

from stemwright_platform.assessment.coherence import coherence_share, conditional_fits
from stemwright_platform.assessment.context import Context
from stemwright_platform.assessment.figure import Figure, Target
from stemwright_platform.assessment.frechet import track_distances
from stemwright_platform.assessment.share import mean
from stemwright_platform.assessment.speed import CORES, DURATION_S, compose_s, threads
from stemwright_platform.assessment.stem_pictures import PICTURES
from stemwright_platform.assessment.steps_picture import Curve, draw_steps
from stemwright_platform.assessment.take import TakeOrder
from stemwright_platform.evaluation.clip_folder import MIX
from stemwright_platform.evaluation.systems import SamplingChoice

STEPS = (4, 6, 8, 12, 16, 25, 50)
WINDOWS = 24
"""Of each kind; the figures are compared with one another, and held to no target."""
LESS_COHERENCE, MORE_DISTANCE, LEVEL_DB = 0.05, 0.03, 1.0
"""What fewer steps may cost against the most: shares, and dB either way."""
SAME = Target(bound=0.0, at_least=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class StepScores:
    """What so many steps give."""

    steps: int
    seconds: float
    """For 8 s of all tracks."""
    coherence: float
    """Mean over the shares that have a target; NaN where too few songs tell."""
    frechet: float
    """Mean share over tracks of takes of all tracks at once."""
    level_db: float
    """Mean level of these takes."""

    def keeps(self, most: "StepScores") -> bool:
        """Whether nothing that was measured is worse than with the most steps by more than is allowed."""
        lost = (
            (most.coherence - self.coherence, LESS_COHERENCE),
            (self.frechet - most.frechet, MORE_DISTANCE),
            (abs(self.level_db - most.level_db), LEVEL_DB),
        )
        known = [(value, allowed) for value, allowed in lost if isfinite(value)]
        return bool(known) and all(value <= allowed for value, allowed in known)


def steps_figures(context: Context) -> list[Figure]:
    """The default against the fewest steps that keep the scores, then the table."""
    fewer = context.on_fewer(WINDOWS)
    default = context.plan.sampling.num_steps or context.composer.checkpoint.sampling.num_steps
    table = [_scores(fewer, steps) for steps in sorted({*STEPS, default})]
    fewest = fewest_steps(table)
    _draw(table, default, context.out / PICTURES / "steps-scores.png")
    return [
        Figure(
            name="steps.default",
            about=f"How far the default of {default} steps is from the fewest that keep the scores, {fewest}",
            value=float(abs(default - fewest)) if fewest else nan,
            target=SAME,
            n=len(fewer.music.matched),
            note=f"kept: coherence within {LESS_COHERENCE:g} and distance within {MORE_DISTANCE:g} (shares), "
            f"level within {LEVEL_DB:g} dB of those at {table[-1].steps} steps; n windows",
        ),
        *(figure for scores in table for figure in _figures(scores, len(fewer.music.matched))),
    ]


def fewest_steps(table: Sequence[StepScores]) -> int | None:
    """The fewest steps from which on all keep what the most have; None for a table of nothing measured."""
    most = table[-1]
    kept = [scores.keeps(most) for scores in table]
    good = [scores.steps for place, scores in enumerate(table) if all(kept[place:])]
    return good[0] if good else None


def _scores(context: Context, steps: int) -> StepScores:
    sampling = SamplingChoice(num_steps=steps)
    held = [fit for fit in conditional_fits(context.tracks) if fit.held]
    shares = [coherence_share(context, fit, sampling).value for fit in held]
    distances = [found.share for found in track_distances(context, sampling).values()]
    with threads(CORES):
        seconds = min(compose_s(context.composer, steps) for _ in range(2))
    return StepScores(
        steps=steps,
        seconds=seconds,
        coherence=mean(shares),
        frechet=mean(distances),
        level_db=_level_db(context, sampling),
    )


def _level_db(context: Context, sampling: SamplingChoice) -> float:
    orders = [TakeOrder(maker="model", window=window, sampling=sampling) for window in context.music.asked]
    heard = context.heard(orders, "all tracks at once")
    levels = [
        float(features["levels"]["rms_db"][0])
        for parts in heard
        for part, features in parts.items()
        if part != MIX
    ]
    return float(np.mean(levels)) if levels else nan


def _draw(table: Sequence[StepScores], default: int, path: Path) -> Path:
    most = table[-1]
    curves = (
        Curve(title=f"Seconds for {DURATION_S:g} s of all tracks", values=[row.seconds for row in table]),
        Curve(
            title="Coherence with given tracks, share of real",
            values=[row.coherence for row in table],
            allowed=most.coherence - LESS_COHERENCE,
        ),
        Curve(
            title="Distance of the sound, share of untrained",
            values=[row.frechet for row in table],
            allowed=most.frechet + MORE_DISTANCE,
        ),
    )
    return draw_steps([row.steps for row in table], curves, default, path)


def _figures(scores: StepScores, n: int) -> Iterator[Figure]:
    """A row of the table."""
    told = (
        ("seconds", f"Seconds for {DURATION_S:g} s of all tracks", scores.seconds, f"{CORES} threads"),
        ("coherence", "Coherence with given tracks", scores.coherence, "mean of the shares with a target"),
        ("frechet", "Distance of the sound", scores.frechet, "mean share over tracks, of few patches"),
        ("level_db", "Level of takes, dB", scores.level_db, "re full scale"),
    )
    for name, about, value, note in told:
        yield Figure(
            name=f"steps.{scores.steps}.{name}",
            about=f"{about}, with {scores.steps} steps",
            value=value,
            n=n,
            note=note,
        )

"""ε-loss by task and noise level, relative to the trivial guess √(1 − ᾱ)·z: below 1 a model has learned.

Axes: B batch, K track, D latent channel, S latent frame.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import get_args

import torch
from torch import Tensor

from stemwright.diffusion import NoiseSchedule
from stemwright.tasks import Mode, mode
from stemwright.training_draw import TrainingDraw

BAND_EDGES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0)
"""Edges of the timestep bands, as fractions of N."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Prediction:
    """A model's answer to a batch, with what it was asked."""

    eps: Tensor
    """ε̂, float32 [B, K, D, S]."""
    z: Tensor
    """What the model saw, [B, K, D, S]."""
    t: Tensor
    """Timestep vectors, int64 [B, K]."""
    noise: Tensor
    """The true ε, [B, K, D, S]."""
    drawn: TrainingDraw
    """Targets and context."""
    loss_mask: Tensor
    """boolean [B, K, 1, S]: the frames of the targets that were asked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One sample's share of the table."""

    mode: Mode
    """Context mode."""
    num_targets: int
    """k."""
    timestep: int
    """t of the targets."""
    error: float
    """Sum of (ε̂ − ε)² over target elements."""
    trivial: float
    """The same for the trivial guess."""
    count: float
    """Target elements."""
    weight: float = 1.0
    """In every mean."""


class LossTable:
    """Squared errors of many samples, to be read by any grouping."""

    def __init__(self, schedule: NoiseSchedule) -> None:
        self.schedule = schedule
        self.entries: list[Entry] = []

    def add(self, made: Prediction, weights: Sequence[float] | None = None) -> None:
        """Add every sample of a batch; its weight in every mean is 1 unless it has one of `weights`."""
        noise, drawn = made.noise, made.drawn
        mask = made.loss_mask.expand(*noise.shape[:2], 1, noise.shape[3])
        guess = (1 - self.schedule.level(made.t, made.z)).sqrt() * made.z
        error = torch.where(mask, made.eps.detach() - noise, 0.0).square().sum((1, 2, 3)).tolist()
        trivial = torch.where(mask, guess - noise, 0.0).square().sum((1, 2, 3)).tolist()
        count = (mask.sum((1, 2, 3)) * noise.shape[2]).tolist()
        for i, (target, given) in enumerate(zip(drawn.target.tolist(), drawn.given.tolist(), strict=True)):
            self.entries.append(
                Entry(
                    mode=mode(sum(target), sum(given), len(target)),
                    num_targets=sum(target),
                    timestep=int(drawn.t[i]),
                    error=error[i],
                    trivial=trivial[i],
                    count=count[i],
                    weight=weights[i] if weights else 1.0,
                )
            )

    def band(self, entry: Entry) -> int:
        """Number of the timestep band that an entry falls into."""
        fraction = entry.timestep / self.schedule.num_timesteps
        return next(i for i, edge in enumerate(BAND_EDGES[1:]) if fraction <= edge)

    def losses(self, by: Callable[[Entry], object]) -> dict[object, float]:
        """Mean squared ε-error of each group."""
        return {key: e / n for key, (e, _, n) in self._sums(by).items() if n}

    def ratios(self, by: Callable[[Entry], object]) -> dict[object, float]:
        """ε-error of each group over that of the trivial guess."""
        return {key: e / trivial for key, (e, trivial, _) in self._sums(by).items() if trivial}

    def summary(
        self, num_tracks: int, summed: Callable[[Tensor], Tensor] = lambda own: own
    ) -> dict[str, float]:
        """Losses by number of targets and by mode, named for a log; groups without samples are left out.

        `summed` adds up a tensor over the workers of a run, so that the losses are those of all of them.
        """
        by_size, by_mode = self._sums(lambda entry: entry.num_targets), self._sums(lambda entry: entry.mode)
        nothing = (0.0, 0.0, 0.0)
        groups = {f"loss_targets_{k}": by_size.get(k, nothing) for k in range(1, num_tracks + 1)}
        groups |= {f"loss_{mode}": by_mode.get(mode, nothing) for mode in get_args(Mode)}
        sums = summed(torch.tensor(list(groups.values()), dtype=torch.float64)).tolist()
        return {name: error / n for name, (error, _, n) in zip(groups, sums, strict=True) if n}

    def _sums(self, by: Callable[[Entry], object]) -> dict[object, tuple[float, float, float]]:
        sums: dict[object, tuple[float, float, float]] = {}
        for entry in self.entries:
            e, trivial, n = sums.get(by(entry), (0.0, 0.0, 0.0))
            w = entry.weight
            sums[by(entry)] = (e + w * entry.error, trivial + w * entry.trivial, n + w * entry.count)
        return sums

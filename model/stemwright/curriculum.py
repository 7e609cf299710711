"""Which tasks are trained when (§4.3, §5.1): target sets, their contexts, and the bootstrapping gate.

Axes: B batch, K track, M = 2^K − 1 target sets.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

import torch
from torch import Tensor

from stemwright.errors import InputError

Path = Literal["progressive", "uniform", "joint"]
"""How the tasks come: as §4.3 has it; every target set alike from the first step on; or the joint task alone,
all tracks at one shared timestep, which is the baseline of Table 2."""


@lru_cache(maxsize=4)
def target_sets(num_tracks: int) -> Tensor:
    """All non-empty target sets, boolean [M, K]; row m is the binary form of m + 1. Not to be changed."""
    codes = torch.arange(1, 2**num_tracks)
    return (codes[:, None] >> torch.arange(num_tracks)) & 1 == 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Curriculum:
    """From single tracks to every target set alike, smoothly, no task ever at zero once it has opened."""

    num_tracks: int
    """K."""
    path: Path = "progressive"
    """Which of the three."""
    full_at: float = 0.6
    """Training progress in (0, 1] from which every set has probability 1/(2^K − 1)."""
    joint_opens_at: float = 0.2
    """Progress at which the joint task (k = K) begins to open; sizes 2…K−1 do so evenly before it, from 0."""

    def __post_init__(self) -> None:
        if self.path not in get_args(Path):
            raise InputError(f"unknown curriculum '{self.path}': choose from {', '.join(get_args(Path))}")
        if not 0 < self.full_at <= 1 or not 0 <= self.joint_opens_at < self.full_at:
            raise InputError("a curriculum needs 0 <= joint_opens_at < full_at <= 1")

    def probabilities(self, progress: float) -> Tensor:
        """Probability of each target set, float64 [M], at `progress` in [0, 1].

        0: 1/K on each single track. `full_at` and later: 1/(2^K − 1) on every set (§5.1).
        """
        if self.path == "joint":
            return torch.eye(2**self.num_tracks - 1, dtype=torch.float64)[-1]
        if self.path == "uniform":
            progress = 1.0
        sizes = target_sets(self.num_tracks).sum(1)
        end = 1.0 / len(sizes)
        opened = [self._opening(size, progress) for size in range(1, self.num_tracks + 1)]
        weight = torch.tensor(opened, dtype=torch.float64)[sizes - 1] * end
        singles = sizes == 1
        weight[singles] = (1.0 - weight[~singles].sum()) / self.num_tracks
        return weight

    def _opening(self, size: int, progress: float) -> float:
        """How far a set of `size` targets has opened, 0…1: a smooth step, later for larger sets."""
        if size == 1:
            return 1.0
        smaller_than_joint = (self.num_tracks - size) / max(self.num_tracks - 2, 1)
        opens_at = (1 - smaller_than_joint) * self.joint_opens_at
        x = min(max((progress - opens_at) / (self.full_at - opens_at), 0.0), 1.0)
        return x * x * (3 - 2 * x)

    def sample_targets(self, progress: float, uniform: Tensor) -> Tensor:
        """Target masks, boolean [B, K], from uniform numbers [B] in [0, 1)."""
        cumulative = self.probabilities(progress).cumsum(0)
        rows = torch.searchsorted(cumulative / cumulative[-1], uniform.double().contiguous(), right=True)
        return target_sets(self.num_tracks)[rows.clamp(max=len(cumulative) - 1)]


def sample_given(target: Tensor, p1: float, mixed: bool, uniform: Tensor) -> Tensor:
    """The p1 sampler of §4.3: which non-target tracks are given (t = 0); the rest is absent (t = N).

    With probability `p1` the rest is given, else all of it is absent. With `mixed`, half of the given
    contexts are a random non-empty part of the rest, so that a user may leave a track out.
    `target`: boolean [B, K]; `uniform`: [B, K + 2] in [0, 1). Returns boolean [B, K].
    """
    rest = ~target
    given = rest & (uniform[:, :1] < p1)
    if not mixed:
        return given
    part = rest & (uniform[:, 2:] < 0.5)
    # an empty part would be the marginal task, which p1 alone decides
    part = torch.where(part.any(1, keepdim=True), part, rest)
    return torch.where(uniform[:, 1:2] < 0.5, given, given & part)


def bootstrapping(p2: float, starts_at: float, epoch: float, uniform: Tensor) -> Tensor:
    """Which samples hear the teacher's tracks instead of recorded ones (§4.3), boolean [B].

    From epoch `starts_at` on with probability `p2` each; never before. `uniform`: [B] in [0, 1).
    """
    return uniform < p2_in_force(p2, starts_at, epoch)


def p2_in_force(p2: float, starts_at: float, epoch: float) -> float:
    """p2 from epoch `starts_at` on, 0 before."""
    return p2 if epoch >= starts_at else 0.0

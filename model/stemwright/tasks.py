"""Which tracks are generated, which are given, which are absent (§4.1), and how a prompt says so (§4.2).

Axes: B batch, K track, S latent frame.
"""

from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from stemwright.errors import InputError
from stemwright.tracks import TRACKS, Tracks

Mode = Literal["joint", "conditional", "marginal", "mixed"]


@dataclass(frozen=True, slots=True)
class Task:
    """Targets are generated, given tracks are heard as they are, every other track is absent."""

    targets: tuple[str, ...]
    """Tracks to generate; at least one."""
    given: tuple[str, ...] = ()
    """Tracks that the targets must fit."""
    tracks: Tracks = field(default=TRACKS, kw_only=True)
    """The slots there are."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "targets", self.tracks.ordered(self.targets))
        object.__setattr__(self, "given", self.tracks.ordered(self.given))
        if not self.targets:
            raise InputError(f"a task needs at least one target: choose from {', '.join(self.tracks.names)}")
        if both := [name for name in self.targets if name in self.given]:
            raise InputError(f"{', '.join(both)}: a track is either a target or given, not both")

    @property
    def mode(self) -> Mode:
        return mode(len(self.targets), len(self.given), len(self.tracks))

    @property
    def target_mask(self) -> Tensor:
        """Boolean [K]."""
        return self.tracks.mask(self.targets)

    @property
    def given_mask(self) -> Tensor:
        """Boolean [K]."""
        return self.tracks.mask(self.given)

    @property
    def prefix(self) -> str:
        """The task token, as "[bass & drum generation]" (§4.2)."""
        return prefix(self.target_mask, self.tracks)


def mode(num_targets: int, num_given: int, num_tracks: int) -> Mode:
    """What the tracks that are not targets are: none, all given, all absent, or some of each."""
    rest = num_tracks - num_targets
    if rest == 0:
        return "joint"
    if num_given == 0:
        return "marginal"
    return "conditional" if num_given == rest else "mixed"


def prefix(target_mask: Tensor, tracks: Tracks = TRACKS) -> str:
    """The task token of a target mask `[K]` (§4.2)."""
    names = [name for name, on in zip(tracks.prompt_names, target_mask.tolist(), strict=True) if on]
    return f"[{' & '.join(names)} generation]"


def task_prompt(task_prefix: str, prompt: str) -> str:
    """The text that the model reads: the prefix first, then the description, if any."""
    return f"{task_prefix} {prompt.strip()}".strip()


def timestep_vector(target: Tensor, given: Tensor, t: Tensor, num_timesteps: int) -> Tensor:
    """Timestep vectors `[B, K]`: targets share `t`, given tracks are at 0, absent ones at N (Eq. 5).

    `target`, `given`: boolean [B, K] or, alike for all, [K]; `t`: integer [B] in 1…N.
    """
    absent = torch.full_like(target, num_timesteps, dtype=torch.long)
    return torch.where(target, t.long()[:, None], absent.masked_fill(given, 0))


def frame_timesteps(t: Tensor, known: Tensor) -> Tensor:
    """Timestep vectors by frame, int64 `[B, K, S]`: those of `t [B, K]`, but 0 at known frames.

    `known`: boolean, broadcastable to [B, K, S], true where a target's frame is given.
    """
    return t[..., None].masked_fill(known, 0)


def track_timesteps(t: Tensor) -> Tensor:
    """The tracks' own timesteps `[B, K]` from a vector by track or by frame."""
    return t.amax(-1) if t.ndim == 3 else t

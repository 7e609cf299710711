"""The weights of a model of some tracks as those of a model of others.

Axes: K track, D latent channel with the in-context one, C channel, E width of a timestep's embedding.
"""

from collections.abc import Sequence

import torch
from einops import rearrange
from torch import Tensor

from stemwright.unet import StemUNet

DRAWN = {"condition.weight": "k f e", "condition.bias": "k e"}
SILENT = {
    "condition.join.1.weight": "w (k e)",
    "enter.weight": "c (p k d)",
    "leave.weight": "(n p k d) c",
    "leave.bias": "(n p k d)",
}
"""Layouts of what a track has of its own. A new track's weights are as they were drawn, or zero: what is
heard of it, its timestep among that, and what is said of it."""


def for_tracks(old: StemUNet, new: StemUNet, slots: Sequence[int | None]) -> dict[str, Tensor]:
    """The state of `new` with `old`'s weights. The two differ in their tracks alone.

    `slots`: for each track of `new` its slot in `old`, None where `old` has no such track.
    """
    theirs, ours = old.state_dict(), new.state_dict()
    state = {name: value.clone() for name, value in theirs.items()}
    for name, layout in (DRAWN | SILENT).items():
        kept, made = _by_track(theirs[name], layout, old), _by_track(ours[name], layout, new)
        for own, slot in enumerate(slots):
            if slot is not None:
                made[own] = kept[slot]
            elif name in SILENT:
                made[own] = 0
        own = rearrange(made, f"{_track_first(layout)} -> {layout}", **_sizes(layout, new))
        # behind the tracks' own columns stand those that they share: the clocks
        shared = theirs[name][:, _num_own_columns(old) :] if name == "enter.weight" else own[..., :0]
        state[name] = torch.cat([own, shared], dim=-1)
    return state


def _by_track(weight: Tensor, layout: str, model: StemUNet) -> Tensor:
    """A copy of what a weight has for each track, [K, …]."""
    if layout == SILENT["enter.weight"]:
        weight = weight[:, : _num_own_columns(model)]
    return rearrange(weight, f"{layout} -> {_track_first(layout)}", **_sizes(layout, model)).clone()


def _track_first(layout: str) -> str:
    """The layout's axes one by one, the track's first."""
    return "k " + layout.replace("(", "").replace(")", "").replace("k ", "")


def _sizes(layout: str, model: StemUNet) -> dict[str, int]:
    sizes = {"k": model.config.num_tracks, "p": model.config.patch, "n": 2}
    return {axis: size for axis, size in sizes.items() if axis in layout}


def _num_own_columns(model: StemUNet) -> int:
    config = model.config
    return config.patch * config.num_tracks * (config.latent_dim + 1)

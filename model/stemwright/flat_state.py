"""States as flat tensors by name, for safetensors: nothing is pickled."""

from collections.abc import Mapping

import torch
from torch import Tensor


def below(state: Mapping[str, Tensor], start: str) -> dict[str, Tensor]:
    """The entries whose names begin with `start`, without it."""
    return {name.removeprefix(start): value for name, value in state.items() if name.startswith(start)}


def optimizer_state(optimizer: torch.optim.Optimizer, start: str) -> dict[str, Tensor]:
    """An optimiser's moments, as "start" + "3.exp_avg"."""
    moments = optimizer.state_dict()["state"]
    return {
        f"{start}{i}.{name}": torch.as_tensor(value)
        for i, own in moments.items()
        for name, value in own.items()
    }


def load_optimizer_state(optimizer: torch.optim.Optimizer, state: Mapping[str, Tensor], start: str) -> None:
    """The inverse of `optimizer_state`; other entries are ignored, rates and decays stay the optimiser's."""
    moments: dict[int, dict[str, Tensor]] = {}
    for name, value in below(state, start).items():
        index, moment = name.split(".", 1)
        moments.setdefault(int(index), {})[moment] = value
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": moments, "param_groups": groups})

"""Averaged weights: what is validated, shipped and used as the teacher (§4.3)."""

import copy

import torch
from torch import Tensor, nn


class Ema:
    """Exponential moving average of a module's parameters, with a warm-up so that early weights fade."""

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay = decay
        self.num_updates = 0
        self.module = copy.deepcopy(module).requires_grad_(False).eval()

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """Move the average towards the current parameters."""
        self.num_updates += 1
        decay = min(self.decay, (1 + self.num_updates) / (10 + self.num_updates))
        for average, current in zip(self.module.parameters(), module.parameters(), strict=True):
            average.lerp_(current, 1 - decay)

    def state(self) -> dict[str, Tensor]:
        return {**self.module.state_dict(), "num_updates": torch.tensor(self.num_updates)}

    def load_state(self, state: dict[str, Tensor]) -> None:
        state = dict(state)
        self.num_updates = int(state.pop("num_updates"))
        self.module.load_state_dict(state)

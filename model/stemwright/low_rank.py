"""LoRA (Hu 2022): a trained model adapted by products of two narrow matrices, W + B·A.

Of each linear layer of the blocks A [r, in] and B [out, r] are trained, B from zero, and W is not. What the
tracks have of their own (timesteps' embedding, way in, way out) is trained whole: it is little, and new
tracks begin with nothing there.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from stemwright.unet import StemUNet


class LowRankSum(nn.Module):
    """W ↦ W + B·A."""

    def __init__(self, weight: Tensor, rank: int) -> None:
        super().__init__()
        rows, columns = weight.shape
        self.a = nn.Parameter(weight.new_empty(rank, columns))
        self.b = nn.Parameter(weight.new_zeros(rows, rank))
        if not weight.is_meta:
            nn.init.normal_(self.a, std=1 / math.sqrt(columns))

    def forward(self, weight: Tensor) -> Tensor:
        return weight + self.b @ self.a


def add_low_rank(model: StemUNet, rank: int, seed: int = 0) -> None:
    """Let `model` be trained by low rank, in place; its outputs stay what they were."""
    whole = {*model.condition.modules(), model.enter, model.leave}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for layer in [each for each in model.modules() if isinstance(each, nn.Linear) and each not in whole]:
            parametrize.register_parametrization(layer, "weight", LowRankSum(layer.weight.detach(), rank))
    model.requires_grad_(False)
    for module in model.modules():
        if module in whole or isinstance(module, LowRankSum):
            module.requires_grad_(True)


def merged_state(model: nn.Module) -> dict[str, Tensor]:
    """The model's state with the sums as weights, by the names that they have in a model without LoRA."""
    state = {name: value for name, value in model.state_dict().items() if ".parametrizations." not in name}
    for name, layer in model.named_modules():
        if parametrize.is_parametrized(layer):
            assert isinstance(layer, nn.Linear)
            state[f"{name}.weight"] = layer.weight.detach()
    return state

"""Sampling in bf16 where the device is made for it."""

from torch import Tensor, autocast, bfloat16
from torch.nn import Module

from stemwright.learner import has_bf16
from stemwright.sampler import Denoiser
from stemwright.text_embedding import TextEmbedding


class Bf16Denoiser:
    """A model whose products are taken in bf16; noise estimates come as float32."""

    def __init__(self, model: Module) -> None:
        self._model = model

    def __call__(self, z: Tensor, t: Tensor, text: TextEmbedding | None) -> Tensor:
        with autocast(z.device.type, bfloat16):
            eps: Tensor = self._model(z, t, text)
        return eps.float()


def denoiser_of(model: Module) -> Denoiser:
    """The model itself, on a GPU with bf16 in it; on a CPU takes stay what float32 makes them."""
    device = next(model.parameters()).device
    return Bf16Denoiser(model) if device.type == "cuda" and has_bf16(device) else model

"""bf16 products, on devices that are made for them."""

import torch
from torch import Tensor
from torch.nn import Module

from stemwright.sampler import Denoiser
from stemwright.text_embedding import TextEmbedding


def has_bf16(device: torch.device) -> bool:
    """Whether bf16 products are faster than float32 ones there; emulated, they are many times slower."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    able = getattr(torch.cpu, "get_capabilities", dict)()  # since torch 2.13
    return bool(able.get("avx512_bf16") or able.get("amx_bf16"))


class Bf16Denoiser:
    """A model whose products are taken in bf16; noise estimates come as float32."""

    def __init__(self, model: Module) -> None:
        self._model = model

    def __call__(self, z: Tensor, t: Tensor, text: TextEmbedding | None) -> Tensor:
        with torch.autocast(z.device.type, torch.bfloat16):
            eps: Tensor = self._model(z, t, text)
        return eps.float()


def denoiser_of(model: Module) -> Denoiser:
    """The model itself, on a GPU with bf16 in it; on a CPU takes stay what float32 makes them."""
    device = next(model.parameters()).device
    return Bf16Denoiser(model) if device.type == "cuda" and has_bf16(device) else model

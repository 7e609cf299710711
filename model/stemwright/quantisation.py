"""Latents in 8 bits: uniform steps between each channel's least and greatest value in a chunk.

Axes: K track, D latent channel, S latent frame.
"""

import torch
from torch import Tensor

LEVELS = 255
"""Steps from a channel's least value to its greatest."""


def quantise(latents: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Latents `[K, D, S]` → codes uint8 `[K, D, S]`, scale and offset float16 `[K, D]`.

    `offset` is the channel's least value in the chunk and `scale` the way to its greatest, both as float16
    keeps them, so a channel that does not move comes back exactly. Values must be finite.
    """
    values = latents.to(torch.float16).float()
    offset = values.amin(dim=-1)
    scale = (values.amax(dim=-1) - offset).clamp(max=torch.finfo(torch.float16).max).half()
    share = (values - offset[..., None]) / scale.float().clamp(min=1e-12)[..., None]
    codes = (share * LEVELS).round().clamp(0, LEVELS).to(torch.uint8)
    return codes, scale, offset.half()


def dequantise(codes: Tensor, scale: Tensor, offset: Tensor) -> Tensor:
    """The inverse of `quantise`, to half a step: float16 `[K, D, S]` of any slice of the frames."""
    step = (scale.float() / LEVELS)[..., None]
    return torch.addcmul(offset.float()[..., None], codes.float(), step).half()

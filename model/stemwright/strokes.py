"""Sound as strokes: short spectra with a part whose phase is told and a part that is noise.

What is told rings: the attack of a drum, in time to a fraction of a frame. Noise has levels alone: hiss,
breath, a snare's wires; no network has to draw it.

Axes: B batch, C channel (mid, side), F short frame, W bin, n audio sample.
"""

from functools import lru_cache

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

PARTS = 4
"""Short frames a latent frame."""
SHORT_HOP = 256
SHORT_WINDOW = 2 * SHORT_HOP
SHORT_BINS = SHORT_WINDOW // 2 + 1
FIRST_BIN = 2
"""188 Hz: below it, voices sound alone."""
NOISE_FRAMES = 2003
"""The noise repeats after eleven seconds; a prime, so that no bar length falls in with it."""
STEEP, QUIET, LOUDEST = 3.0, -9.0, 2.0
"""A layer's output v is the logarithm of an amplitude, min(3·v − 9, 2): at its start it is nearly silent."""


def struck(told: Tensor, first_frame: int = 0) -> Tensor:
    """A layer's output `[B, F, C·4·W]` → mid and side `[B, C, 256·F]`.

    Of each bin: the level of what rings, its direction (x, y), and the level of the noise. Levels are
    exponentials and phases directions of a plane (Vocos, Siuzdak 2023): both can be told by a linear layer.
    `first_frame`: where in the noise to begin; equal frames there sound equal. Frames overlap by half.
    """
    rings, x, y, hisses = rearrange(told.float(), "b f (c x w) -> x b c f w", c=2, x=4)
    ringing = _amplitude(rings) * torch.rsqrt(x.square() + y.square() + 1e-6)
    hissing = _amplitude(hisses)
    real, imaginary = _noise(told.device, first_frame, told.shape[1])
    bins = torch.complex(ringing * x + hissing * real, ringing * y + hissing * imaginary)
    bins = F.pad(bins[..., FIRST_BIN:], (FIRST_BIN, 0))
    frames = torch.fft.irfft(bins, n=SHORT_WINDOW) * (SHORT_WINDOW / 4)
    head, tail = (frames * torch.hann_window(SHORT_WINDOW, device=told.device)).split(SHORT_HOP, dim=-1)
    whole = (F.pad(head, (0, 0, 0, 1)) + F.pad(tail, (0, 0, 1, 0))).flatten(-2)
    # frames are centred on their hop: half a hop lies before the first and after the last
    return whole[..., SHORT_HOP // 2 : whole.shape[-1] - SHORT_HOP // 2]


def _amplitude(level: Tensor) -> Tensor:
    return torch.exp((STEEP * level + QUIET).clamp(max=LOUDEST))


def _noise(device: torch.device, first: int, count: int) -> Tensor:
    """Real and imaginary parts `[2, C, F, W]`, of mean power 1."""
    frames = torch.arange(first, first + count, device=device) % NOISE_FRAMES
    return _table(device)[:, :, frames]


@lru_cache(maxsize=2)
def _table(device: torch.device) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    drawn = torch.randn(2, NOISE_FRAMES, 2, SHORT_BINS, generator=generator) * 0.5**0.5
    return drawn.transpose(1, 2).contiguous().to(device)

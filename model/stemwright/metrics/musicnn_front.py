"""musicnn's front end, fast on a CPU: convolutions of which only the greatest value over all bands is kept.

The timbral filters are tall, so their bands are convolved as products of Fourier transforms: a quarter of the
multiplications, the same numbers to rounding. The temporal ones have one band and are products with a banded
matrix. Measured in docs/decisions/0020-musicnn.md.

Axes: B patch, T frame, F mel band, Q Fourier bin of the bands, C filter, N frame of any patch.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

BANDS = 96
"""Mel bands."""
TAPS = 7
"""Frames that a timbral filter spans."""

_BINS = BANDS // 2 + 1
_FRAMES_AT_ONCE = 24
"""What a block works on then stays in the cache of one core."""
_FRAMES_IN_ROW = 16
"""Outputs of a temporal filter that one product makes."""
_LANES = 16
"""Filters are filled up to a multiple of this, for the products are a third faster so."""


class BatchNorm(nn.Module):
    """Batch normalisation with fixed statistics over the last axis."""

    scale: Tensor
    shift: Tensor

    def __init__(self, gamma: Tensor, beta: Tensor, mean: Tensor, variance: Tensor) -> None:
        """All `[C]`. ε is TensorFlow's 1e-3."""
        super().__init__()
        scale = gamma * (variance + 1e-3).rsqrt()
        self.register_buffer("scale", scale)
        self.register_buffer("shift", beta - mean * scale)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale + self.shift


class Extreme(nn.Module):
    """From the greatest value of a signed filter to the greatest of its batch-normalised ReLU.

    ReLU and normalisation are monotone, so they wait until the bands are reduced; where the normalisation
    turns its input over, the greatest comes of the least, which is why such filters are negated beforehand.
    """

    signs: Tensor
    bias: Tensor

    def __init__(self, bias: Tensor, norm: BatchNorm) -> None:
        super().__init__()
        self.register_buffer("signs", torch.where(norm.scale < 0, -1.0, 1.0))
        self.register_buffer("bias", bias.clone())
        self.norm = norm

    def forward(self, greatest: Tensor) -> Tensor:
        return self.norm(torch.relu(greatest * self.signs + self.bias))


class TimbralFilters(nn.Module):
    """Filters of 7 frames × many bands: padded spectra of `unfolded_spectra` → `[N, C]`.

    With the outputs' middle as origin, a filter's response at bands ±m is even[m] ± odd[m], so the greatest
    of both is even[m] + |odd[m]|: half the inverse transform is never made.
    """

    kernel: Tensor
    cosines: Tensor
    sines: Tensor

    def __init__(self, kernel: Tensor, bias: Tensor, norm: BatchNorm) -> None:
        """`kernel` [7, height, C]."""
        super().__init__()
        self.extreme = Extreme(bias, norm)
        middle = (BANDS - kernel.shape[1]) / 2
        frequency = 2 * math.pi * torch.arange(_BINS, dtype=torch.float64) / BANDS
        weight = torch.full((_BINS,), 2.0 / BANDS, dtype=torch.float64)
        weight[[0, -1]] /= 2
        spectrum = torch.fft.rfft((kernel * self.extreme.signs).double(), n=BANDS, dim=1).conj()
        spectrum = spectrum * (weight * torch.exp(1j * frequency * middle))[None, :, None]
        real, imag = spectrum.real.permute(1, 0, 2), spectrum.imag.permute(1, 0, 2)
        parts = torch.cat([torch.cat([real, -imag], dim=1), torch.cat([imag, real], dim=1)])
        self.num_filters = kernel.shape[-1]
        self.register_buffer("kernel", F.pad(parts, (0, -self.num_filters % _LANES)).float().contiguous())
        offsets = torch.arange(middle, -0.25, -1, dtype=torch.float64)
        self.register_buffer("cosines", torch.cos(offsets[:, None] * frequency).float())
        self.register_buffer("sines", torch.sin(offsets[:, None] * frequency).float())

    def forward(self, spectra: Tensor) -> Tensor:
        """`spectra` [2Q, N, 14] → `[N, C]`."""
        width = self.kernel.shape[-1]
        greatest = spectra.new_empty(spectra.shape[1], width)
        for start in range(0, len(greatest), _FRAMES_AT_ONCE):
            rows = slice(start, start + _FRAMES_AT_ONCE)
            product = torch.bmm(spectra[:, rows], self.kernel).flatten(1)
            even, odd = self.cosines @ product[:_BINS], self.sines @ product[_BINS:]
            greatest[rows] = even.add_(odd.abs_()).amax(0).view(-1, width)
        return self.extreme(greatest[:, : self.num_filters])


def unfolded_spectra(x: Tensor) -> Tensor:
    """`[B, T, F]` → `[2Q, B·T, 14]`: for each bin the real and imaginary parts of 7 frames, twice over."""
    spectrum = torch.view_as_real(torch.fft.rfft(F.pad(x, (0, 0, TAPS // 2, TAPS // 2))))
    frames = spectrum.unfold(1, TAPS, 1)  # [B, T, Q, 2, 7]
    once = frames.permute(2, 0, 1, 3, 4).reshape(_BINS, -1, 2 * TAPS)
    return torch.cat([once, once])


class TemporalFilters(nn.Module):
    """Filters of many frames × 1 band, padded as TensorFlow's "same": `[B, T, F]` → `[B, T, C]`."""

    band: Tensor

    def __init__(self, kernel: Tensor, bias: Tensor, norm: BatchNorm) -> None:
        """`kernel` [frames, 1, C]."""
        super().__init__()
        self.extreme = Extreme(bias, norm)
        self.num_taps, _, self.num_filters = kernel.shape
        band = kernel.new_zeros(self.num_taps + _FRAMES_IN_ROW - 1, _FRAMES_IN_ROW, self.num_filters)
        for frame in range(_FRAMES_IN_ROW):
            band[frame : frame + self.num_taps, frame] = kernel[:, 0] * self.extreme.signs
        self.register_buffer("band", band.flatten(1))

    def forward(self, x: Tensor) -> Tensor:
        frames = x.shape[1]
        rows = -(-frames // _FRAMES_IN_ROW)
        before = (self.num_taps - 1) // 2
        after = self.num_taps // 2 + rows * _FRAMES_IN_ROW - frames
        padded = F.pad(x, (0, 0, before, after)).transpose(1, 2).contiguous()
        windows = padded.unfold(2, len(self.band), _FRAMES_IN_ROW)  # [B, F, row, taps]
        greatest = x.new_empty(len(x), rows, self.band.shape[1])
        for patch in range(len(x)):
            for row in range(rows):
                greatest[patch, row] = (windows[patch, :, row] @ self.band).amax(0)
        return self.extreme(greatest.view(len(x), -1, self.num_filters)[:, :frames])

"""The network of musicnn (Pons and Serra 2019), for inference alone.

Axes: B patch, T frame, F mel band, C channel.
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stemwright.metrics.musicnn_front import (
    TAPS,
    BatchNorm,
    TemporalFilters,
    TimbralFilters,
    unfolded_spectra,
)

Weights = Mapping[str, Tensor]


class MusicnnNet(nn.Module):
    """Log-mel patches `[B, T, 96]` → the embedding `[B, 200]` and the log-odds of 50 tags `[B, 50]`."""

    def __init__(self, weights: Weights) -> None:
        """`weights` by TensorFlow's names, as in `weights/musicnn_mtt.safetensors`."""
        super().__init__()
        self.norm_in = _norm(weights, 0)
        self.timbral = nn.ModuleList(
            TimbralFilters(*_conv(weights, n), _norm(weights, n + 1)) for n in (0, 1)
        )
        self.temporal = nn.ModuleList(
            TemporalFilters(*_conv(weights, n), _norm(weights, n + 1)) for n in (2, 3, 4)
        )
        self.middle = nn.ModuleList([_MiddleLayer(weights, n) for n in (5, 6, 7)])
        self.norm_pooled = _norm(weights, 9)
        self.dense = _linear(weights, "dense")
        self.norm_dense = _norm(weights, 10)
        self.out = _linear(weights, "dense_1")

    @torch.no_grad()
    def forward(self, patches: Tensor) -> tuple[Tensor, Tensor]:
        embedding = self.norm_dense(torch.relu(self.dense(self.norm_pooled(self.pooled(patches)))))
        return embedding, self.out(embedding)

    @torch.no_grad()
    def pooled(self, patches: Tensor) -> Tensor:
        """`[B, 1506]`: the greatest and the mean over time of each channel of front end and middle."""
        x = self.front(patches)
        first, second, third = self.middle
        h1 = first(x)
        h2 = h1 + second(h1)
        h3 = h2 + third(h2)
        channels = torch.cat([x, h1, h2, h3], dim=-1)
        return torch.stack([channels.amax(1), channels.mean(1)], dim=-1).flatten(1)

    @torch.no_grad()
    def front(self, patches: Tensor) -> Tensor:
        """`[B, T, 561]`: what the timbral and the temporal filters find."""
        x = self.norm_in(patches[..., None])[..., 0]
        spectra = unfolded_spectra(x)
        found = [filters(spectra).view(*x.shape[:2], -1) for filters in self.timbral]
        return torch.cat([*found, *(filters(x) for filters in self.temporal)], dim=-1)


class _MiddleLayer(nn.Module):
    """Convolution of 7 frames over all channels, ReLU, batch normalisation: `[B, T, C]` → `[B, T, 64]`."""

    def __init__(self, weights: Weights, number: int) -> None:
        super().__init__()
        kernel, bias = _conv(weights, number)
        self.linear = nn.Linear(kernel.shape[0] * kernel.shape[1], kernel.shape[2])
        self.linear.weight = nn.Parameter(kernel.flatten(0, 1).T.contiguous(), requires_grad=False)
        self.linear.bias = nn.Parameter(bias.clone(), requires_grad=False)
        self.norm = _norm(weights, number + 1)

    def forward(self, x: Tensor) -> Tensor:
        padded = F.pad(x, (0, 0, TAPS // 2, TAPS // 2))
        unfolded = torch.cat([padded[:, tap : tap + x.shape[1]] for tap in range(TAPS)], dim=-1)
        return self.norm(torch.relu(self.linear(unfolded)))


def _conv(weights: Weights, number: int) -> tuple[Tensor, Tensor]:
    """Kernel [frames, bands or channels, filters] and bias of a convolution; all have one input channel."""
    name = f"conv2d_{number}" if number else "conv2d"
    return weights[f"{name}/kernel"][:, :, 0], weights[f"{name}/bias"]


def _norm(weights: Weights, number: int) -> BatchNorm:
    name = f"batch_normalization_{number}" if number else "batch_normalization"
    return BatchNorm(
        *(weights[f"{name}/{part}"] for part in ("gamma", "beta", "moving_mean", "moving_variance"))
    )


def _linear(weights: Weights, name: str) -> nn.Linear:
    kernel = weights[f"{name}/kernel"]
    linear = nn.Linear(kernel.shape[0], kernel.shape[1])
    linear.weight = nn.Parameter(kernel.T.contiguous(), requires_grad=False)
    linear.bias = nn.Parameter(weights[f"{name}/bias"].clone(), requires_grad=False)
    return linear

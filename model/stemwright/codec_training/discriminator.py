"""A small judge of what is real: sees spectra in bands, so that all its layers are matrix products.

Axes: B batch, n audio sample, F frame, W bin, G band, H hidden channel.
"""

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from stemwright.tones import EXPONENT, spectrum

SCALES = (512, 2048)
"""Windows of the spectra that are judged, hops half of them."""
BANDS = 8


class ScaleDiscriminator(nn.Module):
    """Judges overlapping patches of one spectrum: each band on its own, over some frames."""

    def __init__(self, window: int, width: int) -> None:
        super().__init__()
        self.window = window
        self.bins = window // 2 // BANDS
        self.enter = nn.Linear(2 * self.bins, width)
        self.band = nn.Parameter(torch.randn(BANDS, width) * 0.1)
        self.layers = nn.ModuleList(nn.Linear(3 * width, width) for _ in range(4))
        self.leave = nn.Linear(width, 1)

    def forward(self, audio: Tensor) -> list[Tensor]:
        """`[B, n]` → the hidden layers, and last the scores `[B, G, F, 1]`."""
        bins = spectrum(audio, self.window, self.window // 2)[..., : BANDS * self.bins]
        power = torch.view_as_real(bins).square().sum(-1) + 1e-10
        root = 4 * torch.view_as_real(bins * power ** ((EXPONENT - 1) / 2))
        x = self.enter(rearrange(root, "b f (g w) c -> b g f (w c)", g=BANDS)) + self.band[:, None]
        seen = []
        for depth, layer in enumerate(self.layers):
            x = F.leaky_relu(x, 0.1)
            seen.append(x)
            padded = F.pad(x, (0, 0, 1, 1))
            around = torch.cat([padded[..., :-2, :], x, padded[..., 2:, :]], dim=-1)
            x = layer(around)
            x = x[..., ::2, :] if depth in (0, 2) else x
        seen.append(F.leaky_relu(x, 0.1))
        return [*seen, self.leave(seen[-1])]


class Discriminator(nn.Module):
    """One judge a time scale."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.scales = nn.ModuleList(ScaleDiscriminator(window, width) for window in SCALES)

    def forward(self, audio: Tensor) -> list[list[Tensor]]:
        return [scale(audio) for scale in self.scales]


def judge_loss(real: list[list[Tensor]], made: list[list[Tensor]]) -> Tensor:
    """Hinge loss of the judge."""
    losses = [
        F.relu(1 - r[-1].float()).mean() + F.relu(1 + m[-1].float()).mean()
        for r, m in zip(real, made, strict=True)
    ]
    return torch.stack(losses).mean()


def deceive_loss(made: list[list[Tensor]]) -> Tensor:
    """What the decoder wants of the judge."""
    return torch.stack([-m[-1].float().mean() for m in made]).mean()


def likeness_loss(real: list[list[Tensor]], made: list[list[Tensor]]) -> Tensor:
    """Distance of what the judge saw in its hidden layers, relative to their size (feature matching)."""
    losses = [
        (r.detach() - m).float().abs().mean() / r.detach().float().abs().mean().clamp(min=1e-4)
        for of_real, of_made in zip(real, made, strict=True)
        for r, m in zip(of_real[:-1], of_made[:-1], strict=True)
    ]
    return torch.stack(losses).mean()

"""The networks of the embedded convolutional codec: tones and strokes in, latents, tones and strokes out.

Pitch goes in and comes out as voices of `tones`, which a network can read and write plainly; all else as
short spectra, fine in time, which carry strokes, breath and hiss. All layers work on frames.

Axes: B batch, C channel (mid, side), n audio sample, S latent frame, D latent channel, F short frame, W bin,
N hidden channel; H, X, J as in `tones`.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from stemwright import tones
from stemwright.strokes import PARTS, SHORT_BINS, SHORT_HOP, SHORT_WINDOW, struck
from stemwright.tones import NUM_VOICES, heard_voices, spectrum, sung

HOP = 1024
"""Audio samples a latent frame: 46.9 frames/s."""
HALVES = HOP // tones.HOP
LOG_FLOOR = 1e-6
SURE = -4.0
"""Log-variance that latents start from: from the first step on, something gets through."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ConvCodecConfig:
    """Shape of a `ConvAutoencoder`."""

    latent_dim: int = 64
    """D."""
    encoder_width: int = 256
    """N of the encoder."""
    encoder_blocks: int = 3
    """Looks along time, each 7 frames wide."""
    decoder_width: int = 352
    """N of the decoder at the rate of latents."""
    decoder_blocks: int = 4
    """Looks along time."""
    part_width: int = 192
    """Channels of a short frame, in and out."""
    part_blocks: int = 2
    """Blocks of the decoder at the rate of short frames."""

    @property
    def encoder_reach(self) -> int:
        """A latent frame depends on the audio of so many frames to either side."""
        window = math.ceil((tones.REACH - tones.HOP // 2) / HOP)
        return self.encoder_blocks * (ConvBlock.KERNEL // 2) + window

    @property
    def decoder_reach(self) -> int:
        """Voices and strokes of a frame depend on so many latent frames to either side."""
        parts = self.part_blocks * (ConvBlock.KERNEL // 2) + 1
        return 1 + self.decoder_blocks * (ConvBlock.KERNEL // 2) + math.ceil(parts / PARTS)


class Sounding(NamedTuple):
    """What latents sound like: `sung` and `struck` make it audio."""

    voices: Tensor
    """[B, 2·S, X, J]."""
    strokes: Tensor
    """[B, 4·S, C·4·W], what a short frame's layer says."""


class ConvBlock(nn.Module):
    """A wide look along time in each channel, then a small network in each frame (ConvNeXt, Liu 2022)."""

    KERNEL = 7

    def __init__(self, width: int, expansion: int = 2) -> None:
        super().__init__()
        self.along_time = nn.Conv1d(width, width, self.KERNEL, padding=self.KERNEL // 2, groups=width)
        self.norm = nn.LayerNorm(width)
        self.widen = nn.Linear(width, expansion * width)
        self.narrow = nn.Linear(expansion * width, width)
        self.scale = nn.Parameter(torch.full((width,), 0.2))

    def forward(self, x: Tensor) -> Tensor:
        """[B, S, N] → the same shape."""
        h = self.along_time(x.transpose(1, 2)).transpose(1, 2)
        return x + self.scale * self.narrow(F.gelu(self.widen(self.norm(h))))


class Encoder(nn.Module):
    """Mid and side → mean and log-variance of each latent."""

    def __init__(self, config: ConvCodecConfig) -> None:
        super().__init__()
        width, part = config.encoder_width, config.part_width
        self.voices_in = nn.Linear(HALVES * 3 * NUM_VOICES, width)
        self.short_in = nn.Linear(2 * SHORT_BINS, part)
        self.join = nn.Linear(PARTS * part, width)
        self.blocks = nn.Sequential(*(ConvBlock(width) for _ in range(config.encoder_blocks)))
        self.norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, 2 * config.latent_dim)
        with torch.no_grad():
            self.out.bias[config.latent_dim :] = SURE

    def forward(self, audio: Tensor, voices: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Audio [B, C, S·HOP] → [B, S, D] twice. `voices`: the audio's, where they are known already."""
        voices = heard_voices(audio) if voices is None else voices
        told = rearrange(voices, "b (s h) x j -> b s (h x j)", h=HALVES)
        short = rearrange(log_levels(spectrum(audio, SHORT_WINDOW, SHORT_HOP)), "b c f w -> b f (c w)")
        parts = rearrange(F.gelu(self.short_in(short)), "b (s p) n -> b s (p n)", p=PARTS)
        x = self.voices_in(told) + self.join(parts)
        mean, log_variance = self.out(self.norm(self.blocks(x))).chunk(2, dim=-1)
        return mean, log_variance


class Decoder(nn.Module):
    """Latents → what they sound like."""

    def __init__(self, config: ConvCodecConfig) -> None:
        super().__init__()
        width, part = config.decoder_width, config.part_width
        self.enter = nn.Linear(3 * config.latent_dim, width)
        self.blocks = nn.Sequential(*(ConvBlock(width) for _ in range(config.decoder_blocks)))
        self.norm = nn.LayerNorm(width)
        self.voices_out = nn.Linear(width, HALVES * 3 * NUM_VOICES)
        self.split = nn.Linear(width, PARTS * part)
        self.part_blocks = nn.Sequential(*(ConvBlock(part) for _ in range(config.part_blocks)))
        self.part_norm = nn.LayerNorm(part)
        self.short_out = nn.Linear(part, 2 * 4 * SHORT_BINS)

    def forward(self, latents: Tensor) -> Sounding:
        """[B, S, D] → voices and strokes, float32."""
        padded = F.pad(latents, (0, 0, 1, 1))
        around = torch.cat([padded[:, :-2], latents, padded[:, 2:]], dim=-1)
        x = self.norm(self.blocks(self.enter(around)))
        parts = self.part_blocks(rearrange(self.split(x), "b s (p n) -> b (s p) n", p=PARTS))
        voices = rearrange(self.voices_out(x), "b s (h x j) -> b (s h) x j", h=HALVES, x=3)
        return Sounding(voices.float(), self.short_out(self.part_norm(parts)).float())


class ConvAutoencoder(nn.Module):
    """Both halves."""

    def __init__(self, config: ConvCodecConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder, self.decoder = Encoder(config), Decoder(config)


def audio_of(sounding: Sounding, first_frame: int = 0) -> Tensor:
    """Mid and side [B, C, S·HOP]; `first_frame`: where in its noise the strokes begin, in latent frames."""
    return sung(sounding.voices) + struck(sounding.strokes, first_frame * PARTS)


def log_levels(bins: Tensor) -> Tensor:
    """Logarithms of amplitudes, of order 1."""
    power = torch.view_as_real(bins).square().sum(-1) + LOG_FLOOR**2
    return 0.5 * torch.log10(power) / 1.5 + 2.5

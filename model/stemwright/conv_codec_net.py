"""The networks of the embedded convolutional codec: spectra in, latents, spectra out.

Two spectra at two time scales go in and come out, as ears have it: a long one, fine in frequency, for
pitch, and a short one, fine in time, for strokes. All layers work on frames: hours need no more than minutes.

Axes: B batch, C channel (mid, side), n audio sample, S latent frame, D latent channel, F spectrum's frame,
W bin, H hidden channel.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

SAMPLE_RATE_HZ = 48_000
HOP = 1024
"""Audio samples a latent frame: 46.9 frames/s."""
PARTS = 4
"""Short frames a latent frame."""
SHORT_HOP = HOP // PARTS
SHORT_WINDOW = 2 * SHORT_HOP
LONG_ANALYSIS, LONG_SYNTHESIS = 4096, 2048
"""Windows of the long spectrum: 11.7 Hz a bin on the way in, 23.4 Hz on the way out."""
LONG_BINS_IN, LONG_BINS_OUT = 256, 256
"""To 3 kHz on the way in, to 6 kHz on the way out."""
SHORT_BINS = SHORT_WINDOW // 2 + 1
EXPONENT = 0.4
"""Amplitudes of spectra are heavy-tailed: their roots are fit for a network."""
LOG_FLOOR = 1e-6


@dataclass(frozen=True, kw_only=True, slots=True)
class ConvCodecConfig:
    """Shape of a `ConvAutoencoder`."""

    latent_dim: int = 64
    """D."""
    encoder_width: int = 256
    """H of the encoder."""
    encoder_blocks: int = 3
    decoder_width: int = 352
    """H of the decoder at the rate of latents."""
    decoder_blocks: int = 4
    part_width: int = 192
    """Channels of a short frame, in and out."""
    part_blocks: int = 2
    """Blocks of the decoder at the rate of short frames."""

    @property
    def encoder_reach(self) -> int:
        """A latent frame depends on the audio of so many frames to either side."""
        window = math.ceil((LONG_ANALYSIS - HOP) / 2 / HOP)
        return self.encoder_blocks * (ConvBlock.KERNEL // 2) + window

    @property
    def decoder_reach(self) -> int:
        """A frame of audio depends on so many latent frames to either side."""
        parts = self.part_blocks * (ConvBlock.KERNEL // 2) + 1
        return 1 + self.decoder_blocks * (ConvBlock.KERNEL // 2) + math.ceil(parts / PARTS)


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
        """[B, F, H] → the same shape."""
        h = self.along_time(x.transpose(1, 2)).transpose(1, 2)
        return x + self.scale * self.narrow(F.gelu(self.widen(self.norm(h))))


class Encoder(nn.Module):
    """Mid and side → mean and log-variance of each latent."""

    def __init__(self, config: ConvCodecConfig) -> None:
        super().__init__()
        width, part = config.encoder_width, config.part_width
        self.long_in = nn.Linear(2 * 3 * LONG_BINS_IN, width)
        self.short_in = nn.Linear(2 * 3 * SHORT_BINS, part)
        self.join = nn.Linear(PARTS * part, width)
        self.blocks = nn.Sequential(*(ConvBlock(width) for _ in range(config.encoder_blocks)))
        self.norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, 2 * config.latent_dim)

    def forward(self, audio: Tensor) -> tuple[Tensor, Tensor]:
        """Audio [B, C, S·HOP] → [B, S, D] twice."""
        long = features(spectrum(audio, LONG_ANALYSIS, HOP)[..., :LONG_BINS_IN])
        short = features(spectrum(audio, SHORT_WINDOW, SHORT_HOP))
        parts = F.gelu(self.short_in(short))
        x = self.long_in(long) + self.join(rearrange(parts, "b (s p) h -> b s (p h)", p=PARTS))
        mean, log_variance = self.out(self.norm(self.blocks(x))).chunk(2, dim=-1)
        return mean, log_variance


class Decoder(nn.Module):
    """Latents → mid and side."""

    def __init__(self, config: ConvCodecConfig) -> None:
        super().__init__()
        width, part = config.decoder_width, config.part_width
        self.enter = nn.Linear(3 * config.latent_dim, width)
        self.blocks = nn.Sequential(*(ConvBlock(width) for _ in range(config.decoder_blocks)))
        self.norm = nn.LayerNorm(width)
        self.long_out = nn.Linear(width, 2 * 3 * LONG_BINS_OUT)
        self.split = nn.Linear(width, PARTS * part)
        self.part_blocks = nn.Sequential(*(ConvBlock(part) for _ in range(config.part_blocks)))
        self.part_norm = nn.LayerNorm(part)
        self.short_out = nn.Linear(part, 2 * 3 * SHORT_BINS)

    def forward(self, latents: Tensor) -> Tensor:
        """[B, S, D] → audio [B, C, S·HOP]."""
        padded = F.pad(latents, (0, 0, 1, 1))
        around = torch.cat([padded[:, :-2], latents, padded[:, 2:]], dim=-1)
        x = self.norm(self.blocks(self.enter(around)))
        parts = self.part_blocks(rearrange(self.split(x), "b s (p h) -> b (s p) h", p=PARTS))
        short = sound(self.short_out(self.part_norm(parts)), SHORT_WINDOW)
        return short + sound(self.long_out(x), LONG_SYNTHESIS)


class ConvAutoencoder(nn.Module):
    """Both halves."""

    def __init__(self, config: ConvCodecConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder, self.decoder = Encoder(config), Decoder(config)


def spectrum(audio: Tensor, window: int, hop: int) -> Tensor:
    """Audio [B, C, n] → complex [B, C, n / hop, window / 2 + 1]; each frame's window is centred on its hop.

    Scaled so that a sine of amplitude 1 has a peak of 1.
    """
    reach = (window - hop) // 2
    frames = F.pad(audio.float(), (reach, reach)).unfold(-1, window, hop)
    shape = torch.hann_window(window, device=audio.device)
    return torch.fft.rfft(frames * shape) * (4 / window)


def features(bins: Tensor) -> Tensor:
    """Complex [B, C, F, W] → [B, F, C·3·W]: roots of the amplitudes with their phase, and logarithms."""
    power = torch.view_as_real(bins).square().sum(-1) + LOG_FLOOR**2
    root = bins * power ** ((EXPONENT - 1) / 2)
    level = 0.5 * torch.log10(power) / 1.5 + 2.5
    return rearrange([4 * root.real, 4 * root.imag, level], "x b c f w -> b f (c x w)")


def sound(out: Tensor, window: int) -> Tensor:
    """A layer's output [B, F, C·3·W] as spectra, and these as audio [B, C, F·window/2].

    Amplitudes are exponentials and phases directions of a plane (Vocos, Siuzdak 2023): both can be told by a
    linear layer, at any level. Frames overlap by half.
    """
    level, x, y = rearrange(out.float(), "b f (c x w) -> x b c f w", c=2, x=3)
    amplitude = torch.exp((3 * level - 7.5).clamp(max=3.0)) * torch.rsqrt(x.square() + y.square() + 1e-6)
    frames = torch.fft.irfft(torch.complex(amplitude * x, amplitude * y), n=window) * (window / 4)
    frames = frames * torch.hann_window(window, device=out.device)
    hop = window // 2
    head, tail = frames.split(hop, dim=-1)
    whole = F.pad(head, (0, 0, 0, 1)) + F.pad(tail, (0, 0, 1, 0))
    audio = whole.flatten(-2)
    # frames are centred on their hop: half a hop lies before the first and after the last
    return audio[..., hop // 2 : audio.shape[-1] - hop // 2]

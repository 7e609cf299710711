"""The noise predictor: a 1D U-Net over all tracks at once, told each track's timestep (§3.2, §4.1).

Axes: B batch, K track, D latent channel, S latent frame, L token, E text channel, C channel.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from stemwright.beat_grid import NUM_CLOCKS, clocks
from stemwright.diffusion import NoiseSchedule
from stemwright.errors import InputError
from stemwright.fact_text_encoder import GRID
from stemwright.tasks import track_timesteps
from stemwright.text_embedding import TextEmbedding
from stemwright.unet_blocks import Downsample, ResBlock, Transformer, Upsample


@dataclass(frozen=True, kw_only=True, slots=True)
class UNetConfig:
    """Shape of a `StemUNet`."""

    num_tracks: int = 4
    """K."""
    latent_dim: int = 128
    """D, the codec's."""
    text_width: int = 384
    """E, the text encoder's."""
    patch: int = 2
    """Latent frames that enter the finest level as one."""
    widths: tuple[int, ...] = (256, 384)
    """Channels of each level, finest first; each level halves the frame rate of the one before."""
    blocks: tuple[int, ...] = (1, 2)
    """Residual blocks of each level, on the way down and again on the way up."""
    attention: tuple[bool, ...] = (False, True)
    """Whether each level's blocks are followed by a transformer; the middle always has one."""
    head_width: int = 64
    """Channels of an attention head."""
    expansion: int = 4
    """Widening of the transformers' feed-forward layers."""
    condition_width: int = 256
    """Width of the timestep vector's embedding."""
    beat_grid: bool = False
    """Whether frames hear the clocks of the beat grid that the prompt's first token tells (record 0026)."""
    frame_rate_hz: float = 0.0
    """Of the latents, the codec's; clocks need it."""

    def __post_init__(self) -> None:
        if not len(self.widths) == len(self.blocks) == len(self.attention):
            raise InputError("widths, blocks and attention need one entry a level")
        if any(width % self.head_width for width in self.widths):
            raise InputError(f"widths must be multiples of head_width {self.head_width}")

    @property
    def stride(self) -> int:
        """Latent frames to one frame of the coarsest level."""
        return self.patch * 2 ** (len(self.widths) - 1)


class TimestepVectorEmbedding(nn.Module):
    """One learned embedding a track's timestep, concatenated (§4.1 "Individual Timestep Vectors")."""

    def __init__(self, num_tracks: int, num_timesteps: int, width: int, frequencies: int = 64) -> None:
        super().__init__()
        self.num_timesteps, self.frequencies = num_timesteps, frequencies
        each = width // 2
        self.weight = nn.Parameter(torch.empty(num_tracks, 2 * frequencies + 2, each))
        self.bias = nn.Parameter(torch.zeros(num_tracks, each))
        if not self.weight.is_meta:  # where drawing does nothing but bring in torch's compiler: seconds
            nn.init.normal_(self.weight, std=(2 * frequencies) ** -0.5)
        self.join = nn.Sequential(nn.SiLU(), nn.Linear(num_tracks * each, width), nn.SiLU())

    def forward(self, t: Tensor) -> Tensor:
        """`t`: int64 [B, K] → [B, width]."""
        each = torch.einsum("bkf,kfe->bke", self.features(t), self.weight) + self.bias
        return self.join(each.flatten(1))

    def features(self, t: Tensor) -> Tensor:
        """Sines of t, and whether the track is clean or absent: both ends mean more than a noise level."""
        rate = torch.exp(
            -math.log(10_000) / self.frequencies * torch.arange(self.frequencies, device=t.device)
        )
        angle = t[..., None].float() * rate
        ends = torch.stack([t == 0, t == self.num_timesteps], dim=-1)
        return torch.cat([angle.sin(), angle.cos(), ends], dim=-1).to(self.weight.dtype)


class Level(nn.Module):
    """The residual blocks of one level in one direction, each followed by a transformer where asked."""

    def __init__(self, config: UNetConfig, level: int, first_width: int) -> None:
        super().__init__()
        width, count = config.widths[level], config.blocks[level]
        ins = [first_width] + [width] * (count - 1)
        self.blocks = nn.ModuleList(ResBlock(w, width, config.condition_width) for w in ins)
        attends = config.attention[level]
        self.transformers = nn.ModuleList(transformer(config, width) for _ in range(count * attends))

    def forward(self, x: Tensor, condition: Tensor, text: TextEmbedding, mask: Tensor | None) -> Tensor:
        for i, block in enumerate(self.blocks):
            x = block(x, condition, mask)
            if self.transformers:
                x = self.transformers[i](x, text.states, text.mask, mask)
        return x


def transformer(config: UNetConfig, width: int) -> Transformer:
    return Transformer(width, config.head_width, config.text_width, config.expansion)


class StemUNet(nn.Module):
    """ε̂ of Eq. 6's terms, as ε̂ = √(1 − ᾱ)·z + √ᾱ·F with F = G ⊙ z + U, both zero at the start.

    The first term is the best guess before anything is learned; forcing ε through a bottleneck would lose
    the noise it must predict. G weighs each latent as a Wiener filter would, which no narrow layer
    could do additively. Beside its D channels each track has an in-context channel: 1 at clean frames,
    whether the whole track is given or a region of a target (Li 2024, JEN-1's in-context learning).
    """

    alpha_bar: Tensor

    def __init__(self, config: UNetConfig, schedule: NoiseSchedule) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("alpha_bar", schedule.alpha_bar, persistent=False)
        patch_width = config.patch * config.num_tracks * config.latent_dim
        told_width = config.patch * (config.num_tracks + config.beat_grid * NUM_CLOCKS)
        widths, last = config.widths, len(config.widths) - 1
        self.condition = TimestepVectorEmbedding(
            config.num_tracks, schedule.num_timesteps, config.condition_width
        )
        self.enter = nn.Linear(patch_width + told_width, widths[0])
        self.down = nn.ModuleList(Level(config, i, widths[i]) for i in range(len(widths)))
        self.downsample = nn.ModuleList(Downsample(widths[i], widths[i + 1]) for i in range(last))
        self.mid_in = ResBlock(widths[last], widths[last], config.condition_width)
        self.mid_attention = transformer(config, widths[last])
        self.mid_out = ResBlock(widths[last], widths[last], config.condition_width)
        self.up = nn.ModuleList(Level(config, i, 2 * widths[i]) for i in range(len(widths)))
        self.upsample = nn.ModuleList(Upsample(widths[i + 1], widths[i]) for i in range(last))
        self.norm = nn.LayerNorm(widths[0])
        self.leave = nn.Linear(widths[0], 2 * patch_width)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def forward(
        self, z: Tensor, t: Tensor, text: TextEmbedding | None, frame_mask: Tensor | None = None
    ) -> Tensor:
        """ε̂ `[B, K, D, S]` for latents `z [B, K, D, S]` at timesteps `t`, [B, K] or by frame [B, K, S].

        Of a target with known frames `z` holds the clean latents there; ε̂ says nothing at them.
        `text`: B prompts. `frame_mask`: boolean [B, S], false at padding, which changes nothing at the
        real frames; None where every frame is real.
        """
        if text is None:
            raise InputError("this denoiser reads text: pass the prompts' embedding")
        velocity = self.velocity(z, t, text, frame_mask)
        alpha_bar = self.alpha_bar[track_timesteps(t)].to(z.dtype)[..., None, None]
        return (1 - alpha_bar).sqrt() * z + alpha_bar.sqrt() * velocity

    def velocity(self, z: Tensor, t: Tensor, text: TextEmbedding, frame_mask: Tensor | None = None) -> Tensor:
        """F `[B, K, D, S]`, which is √ᾱ·ε − √(1 − ᾱ)·z0 where the model is right (Salimans 2022)."""
        frames = z.shape[-1]
        clean = (t == 0) if t.ndim == 3 else (t == 0)[..., None].expand(-1, -1, frames)
        padded, mask = self._padded(torch.cat([z, clean[:, :, None].to(z.dtype)], dim=2), frame_mask)
        x = rearrange(padded, "b k d (s p) -> b s (p k d)", p=self.config.patch)
        if self.config.beat_grid:
            x = torch.cat([x, self._clocks(text, padded.shape[-1]).to(x.dtype)], dim=-1)
        out = self.leave(F.silu(self.norm(self._hidden(self.enter(x), track_timesteps(t), text, mask))))
        out = rearrange(out, "b s (n p k d) -> n b k d (s p)", n=2, p=self.config.patch, k=z.shape[1])
        gate, added = out[..., :frames].to(z.dtype)
        return gate * z + added

    def _clocks(self, text: TextEmbedding, frames: int) -> Tensor:
        """What beats at each patch, [B, S / patch, patch·C]."""
        told = text.states[:, 0, GRID].float()
        beat_hz, beats_per_bar, bar_s = told.unbind(-1)
        ticking = clocks(beat_hz, beats_per_bar, bar_s, frames, self.config.frame_rate_hz)
        return rearrange(ticking, "b (s p) c -> b s (p c)", p=self.config.patch)

    def _padded(self, z: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Latents filled up with zeros to whole strides, and the mask of each patch."""
        missing = -z.shape[-1] % self.config.stride
        if mask is None and not missing:
            return z, None
        if mask is None:
            mask = torch.ones(len(z), z.shape[-1], dtype=torch.bool, device=z.device)
        z = F.pad(z * mask[:, None, None, :], (0, missing))
        return z, coarser(F.pad(mask, (0, missing)), self.config.patch)

    def _hidden(self, x: Tensor, t: Tensor, text: TextEmbedding, mask: Tensor | None) -> Tensor:
        condition = self.condition(t)
        masks, skips = [mask], []
        for i, level in enumerate(self.down):
            if i:
                x = self.downsample[i - 1](x, masks[-1])
                masks.append(None if mask is None else coarser(masks[-1], 2))
            x = level(x, condition, text, masks[-1])
            skips.append(x)
        x = self.mid_in(x, condition, masks[-1])
        x = self.mid_attention(x, text.states, text.mask, masks[-1])
        x = self.mid_out(x, condition, masks[-1])
        for i in reversed(range(len(self.up))):
            x = self.up[i](torch.cat([x, skips[i]], dim=-1), condition, text, masks[i])
            if i:
                x = self.upsample[i - 1](x)
        return x


def coarser(mask: Tensor | None, factor: int) -> Tensor:
    """Mask `[B, S]` at a `factor` lower rate: a coarse frame is real where any of its frames is."""
    assert mask is not None
    return rearrange(mask, "b (s f) -> b s f", f=factor).any(-1)

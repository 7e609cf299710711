"""The U-Net's parts, frames last but one so that every layer is one matrix product (§3.2, Fig. 2).

Axes: B batch, S frame at the block's rate, C channel, L token, E text channel, H head.
Masks are boolean [B, S], or None where every frame is real; no layer lets a masked frame reach a real one.
"""

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

MAX_SCORES = 1 << 26
"""Scores of an attention that may be held in memory as such: a quarter of a gigabyte in float32."""


def masked(x: Tensor, mask: Tensor | None) -> Tensor:
    """`x` [B, S, C] with masked frames at zero."""
    return x if mask is None else x * mask[..., None].to(x.dtype)


class FrameConv(nn.Module):
    """Convolution over 3 frames, zero-padded, as one product of unfolded frames (faster than conv1d here)."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.linear = nn.Linear(3 * channels_in, channels_out)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        padded = F.pad(masked(x, mask), (0, 0, 1, 1))
        return self.linear(torch.cat([padded[:, :-2], padded[:, 1:-1], padded[:, 2:]], dim=-1))


class ResBlock(nn.Module):
    """Two convolutions, the second scaled and shifted by the timestep vector's embedding."""

    def __init__(self, channels_in: int, channels: int, condition_width: int) -> None:
        super().__init__()
        self.norm_in = nn.LayerNorm(channels_in)
        self.conv_in = FrameConv(channels_in, channels)
        self.condition = nn.Linear(condition_width, 2 * channels)
        self.norm_out = nn.LayerNorm(channels)
        self.conv_out = FrameConv(channels, channels)
        self.skip = nn.Linear(channels_in, channels) if channels_in != channels else nn.Identity()
        nn.init.zeros_(self.conv_out.linear.weight)

    def forward(self, x: Tensor, condition: Tensor, mask: Tensor | None) -> Tensor:
        scale, shift = self.condition(condition)[:, None].chunk(2, dim=-1)
        h = self.conv_in(F.silu(self.norm_in(x)), mask)
        h = torch.addcmul(shift, self.norm_out(h), 1 + scale)
        return self.skip(x) + self.conv_out(F.silu(h), mask)


class SelfAttention(nn.Module):
    """Attention between frames, with rotary positions (Su 2021)."""

    def __init__(self, channels: int, head_width: int) -> None:
        super().__init__()
        self.head_width = head_width
        self.norm = nn.LayerNorm(channels)
        self.qkv = nn.Linear(channels, 3 * channels, bias=False)
        self.out = nn.Linear(channels, channels)
        nn.init.zeros_(self.out.weight)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        q, k, v = rearrange(self.qkv(self.norm(x)), "b s (n h c) -> n b h s c", n=3, c=self.head_width)
        q, k = rotated(q), rotated(k)
        heard = None if mask is None else mask[:, None, None, :]
        h = attended(q, k, v, heard)
        return x + self.out(rearrange(h, "b h s c -> b s (h c)"))


def attended(q: Tensor, k: Tensor, v: Tensor, heard: Tensor | None) -> Tensor:
    """Attention of queries to the keys where `heard` is true; all are [B, H, S, C]."""
    scores = q.shape[:-1].numel() * k.shape[-2]
    # going backward, the CPU's fused kernel is slow in bf16: two products train a tenth faster
    if q.device.type == "cpu" and q.dtype == torch.bfloat16 and v.requires_grad and scores <= MAX_SCORES:
        likeness = (q @ k.transpose(-1, -2)).float() * q.shape[-1] ** -0.5
        if heard is not None:
            likeness = likeness.masked_fill(~heard, -torch.inf)
        return likeness.softmax(-1).to(v.dtype) @ v
    return F.scaled_dot_product_attention(q, k, v, attn_mask=heard)


def rotated(x: Tensor, base: float = 10_000.0) -> Tensor:
    """Queries or keys [B, H, S, C] turned by their frame number."""
    half = x.shape[-1] // 2
    rate = base ** (-torch.arange(half, device=x.device, dtype=torch.float32) / half)
    angle = torch.arange(x.shape[-2], device=x.device, dtype=torch.float32)[:, None] * rate
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


class CrossAttention(nn.Module):
    """Attention from frames to the prompt's tokens (§3.2)."""

    def __init__(self, channels: int, head_width: int, text_width: int) -> None:
        super().__init__()
        self.head_width = head_width
        self.norm = nn.LayerNorm(channels)
        self.text_norm = nn.LayerNorm(text_width)
        self.q = nn.Linear(channels, channels, bias=False)
        self.kv = nn.Linear(text_width, 2 * channels, bias=False)
        self.out = nn.Linear(channels, channels)
        nn.init.zeros_(self.out.weight)

    def forward(self, x: Tensor, text: Tensor, text_mask: Tensor) -> Tensor:
        q = rearrange(self.q(self.norm(x)), "b s (h c) -> b h s c", c=self.head_width)
        k, v = rearrange(self.kv(self.text_norm(text)), "b l (n h c) -> n b h l c", n=2, c=self.head_width)
        h = attended(q, k, v, text_mask[:, None, None, :])
        return x + self.out(rearrange(h, "b h s c -> b s (h c)"))


class FeedForward(nn.Module):
    """The transformer's per-frame layer."""

    def __init__(self, channels: int, expansion: int = 4) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.widen = nn.Linear(channels, expansion * channels)
        self.narrow = nn.Linear(expansion * channels, channels)
        nn.init.zeros_(self.narrow.weight)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.narrow(F.silu(self.widen(self.norm(x))))


class Transformer(nn.Module):
    """Self-attention, cross-attention to the text, feed-forward."""

    def __init__(self, channels: int, head_width: int, text_width: int, expansion: int) -> None:
        super().__init__()
        self.self_attention = SelfAttention(channels, head_width)
        self.cross_attention = CrossAttention(channels, head_width, text_width)
        self.feed_forward = FeedForward(channels, expansion)

    def forward(self, x: Tensor, text: Tensor, text_mask: Tensor, mask: Tensor | None) -> Tensor:
        x = self.self_attention(x, mask)
        return self.feed_forward(self.cross_attention(x, text, text_mask))


class Downsample(nn.Module):
    """Two frames become one."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.linear = nn.Linear(2 * channels_in, channels_out)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        return self.linear(rearrange(masked(x, mask), "b (s two) c -> b s (two c)", two=2))


class Upsample(nn.Module):
    """One frame becomes two."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.linear = nn.Linear(channels_in, 2 * channels_out)

    def forward(self, x: Tensor) -> Tensor:
        return rearrange(self.linear(x), "b s (two c) -> b (s two) c", two=2)


def blocks_of(model: nn.Module) -> list[ResBlock | Transformer]:
    """A network's blocks: what is recomputed, sharded and gathered as one."""
    return [part for part in model.modules() if isinstance(part, ResBlock | Transformer)]

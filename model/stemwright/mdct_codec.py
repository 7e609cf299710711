"""The embedded codec: no weights, a modified discrete cosine transform of mid and side.

Of every frame of 320 samples it keeps the bins that carry pitch and rhythm (mid to 7 kHz, the lowest
side bins) and, above them, the energies of bands, which decode as noise. Signs and magnitudes of kept
bins survive exactly, so the kept part is reconstructed perfectly; the rest keeps its spectrum.

Axes: B batch, C channel (mid, side), S latent frame, D latent channel; N = 320 bins a frame.
"""

import hashlib
import math
from functools import lru_cache
from itertools import pairwise

import torch
from torch import Tensor

from stemwright.codec import check_audio
from stemwright.errors import InputError

_HOP = 320
_HALF = _HOP // 2
_RATE_HZ = 48_000
_EXPONENT = 0.5
"""Amplitudes are kept as sign(x)·|x|^0.5: bins of music are heavy-tailed, their roots nearly Gaussian."""
_GAIN = 8.0
"""With `_scales` it puts all latents of music at -23 LUFS at order 1."""
_TILT = 0.6
"""How the mid bins' factors rise with frequency: about as rendered stems fall off."""
_SIDE_SCALE, _MID_BAND_SCALE, _SIDE_BAND_SCALE = 2.5, 10.0, 6.0
_LIMIT = 1e3
"""Latents beyond this are cut: they still fit 16-bit floats."""
_TOP_BIN = 267
"""20 kHz: nothing is kept or made above."""
_MID_BINS, _SIDE_BINS = 92, 20
_MID_BANDS, _SIDE_BANDS = 10, 6
_NOISE_FRAMES = 1499
"""The noise repeats after ten seconds; a prime, so that no bar length falls in with it."""
_CHUNK_FRAMES = 8192
"""Frames transformed at a time, so that hours need no large intermediate results."""


class MdctCodec:
    """48 kHz stereo ↔ latents `[B, 128, S]` at 150 frames/s. A frame depends on its neighbours alone."""

    name = "mdct"
    sample_rate_hz = _RATE_HZ
    frame_rate_hz = _RATE_HZ / _HOP
    latent_dim = _MID_BINS + _SIDE_BINS + _MID_BANDS + _SIDE_BANDS
    segment_frames = 1
    context_frames = 1
    hop = _HOP

    def __init__(self) -> None:
        settings = (
            "mdct 1", _HOP, _RATE_HZ, _EXPONENT, _GAIN, _TILT, _SIDE_SCALE, _MID_BAND_SCALE, _SIDE_BAND_SCALE,
            _TOP_BIN, _MID_BINS, _SIDE_BINS, _MID_BANDS, _SIDE_BANDS,
        )  # fmt: skip
        self.fingerprint = hashlib.sha256(repr(settings).encode()).hexdigest()[:16]

    @torch.no_grad()
    def encode(self, audio: Tensor) -> Tensor:
        """Audio `[B, 2, n]` in ±1 at 48 kHz → latents `[B, 128, S]`, S = ceil(n / 320); silence gives 0.

        Raises InputError for another shape, no samples, or samples that are not finite.
        """
        check_audio(audio)
        folded = _fold(_blocks(audio.float()))
        chunks = [_pack(chunk @ _dct_iv(audio.device)) for chunk in folded.split(_CHUNK_FRAMES, dim=2)]
        return torch.cat(chunks, dim=2)

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:
        """Latents `[B, 128, S]` → audio `[B, 2, 320·S]`; equal latents give equal audio, noise included.

        Raises InputError for another shape.
        """
        if latents.ndim != 3 or latents.shape[1] != self.latent_dim or latents.shape[2] == 0:
            raise InputError(f"latents to decode must be [batch, 128, frames], got {list(latents.shape)}")
        chunks = [
            _unpack(chunk, first_frame=index * _CHUNK_FRAMES) @ _dct_iv(latents.device)
            for index, chunk in enumerate(latents.float().split(_CHUNK_FRAMES, dim=2))
        ]
        mid, side = _unfold(torch.cat(chunks, dim=2)).flatten(2).unbind(1)
        return torch.stack([mid + side, mid - side], dim=1)


def _blocks(audio: Tensor) -> Tensor:
    """Audio `[B, 2, n]` → mid and side in blocks `[B, C, S, N]`, zero past the end."""
    left, right = torch.nn.functional.pad(audio, (0, -audio.shape[-1] % _HOP)).unbind(1)
    return torch.stack([(left + right) / 2, (left - right) / 2], dim=1).unflatten(2, (-1, _HOP))


@lru_cache(maxsize=4)
def _dct_iv(device: torch.device) -> Tensor:
    """The orthonormal DCT-IV `[N, N]`, its own inverse."""
    index = torch.arange(_HOP, dtype=torch.float64) + 0.5
    basis = torch.cos(math.pi / _HOP * index[:, None] * index) * math.sqrt(2 / _HOP)
    return basis.float().to(device)


def _rotation(device: torch.device) -> tuple[Tensor, Tensor]:
    """Cosine and sine `[N/2]` of the sine window's overlap, by distance from the block boundary."""
    distance = torch.arange(_HALF, dtype=torch.float64, device=device) + 0.5
    angle = math.pi / 4 + math.pi * distance / (2 * _HOP)
    return angle.sin().float(), angle.cos().float()


def _fold(blocks: Tensor) -> Tensor:
    """Overlap blocks by rotating each sample with its mirror across the boundary (MDCT = this, then DCT-IV).

    As rotations they are undone exactly; beyond both ends the signal counts as zero.
    """
    cos, sin = _rotation(blocks.device)
    head, tail = blocks[..., :_HALF], blocks[..., _HALF:].flip(-1)
    new_head, new_tail = head * cos, tail * cos
    new_head[:, :, 1:] += tail[:, :, :-1] * sin
    new_tail[:, :, :-1] -= head[:, :, 1:] * sin
    return torch.cat([new_head, new_tail.flip(-1)], dim=-1)


def _unfold(folded: Tensor) -> Tensor:
    """The inverse of `_fold`."""
    cos, sin = _rotation(folded.device)
    head, tail = folded[..., :_HALF], folded[..., _HALF:].flip(-1)
    new_head, new_tail = head * cos, tail * cos
    new_head[:, :, 1:] -= tail[:, :, :-1] * sin
    new_tail[:, :, :-1] += head[:, :, 1:] * sin
    # At the two ends the neighbour was zero: there the rotation was a mere scaling.
    new_head[:, :, 0] = head[:, :, 0] / cos
    new_tail[:, :, -1] = tail[:, :, -1] / cos
    return torch.cat([new_head, new_tail.flip(-1)], dim=-1)


@lru_cache(maxsize=2)
def _band_edges(first_bin: int, num_bands: int) -> tuple[int, ...]:
    """Edges of bands from `first_bin` to 20 kHz, of equal ratio."""
    ratio = _TOP_BIN / first_bin
    return tuple(round(first_bin * ratio ** (band / num_bands)) for band in range(num_bands + 1))


@lru_cache(maxsize=4)
def _scales(device: torch.device) -> Tensor:
    """Fixed factors `[D]` of the latents."""
    tilt = ((torch.arange(_MID_BINS) + 10) / 10) ** _TILT
    sizes = ((_SIDE_BINS, _SIDE_SCALE), (_MID_BANDS, _MID_BAND_SCALE), (_SIDE_BANDS, _SIDE_BAND_SCALE))
    flat = [torch.full((size,), scale) for size, scale in sizes]
    return torch.cat([tilt, *flat]).to(device)


def _compress(amplitude: Tensor) -> Tensor:
    """Amplitudes `[..., D]` → latents."""
    root = (amplitude * _GAIN).abs() ** _EXPONENT
    return (root.copysign(amplitude) * _scales(amplitude.device)).clamp(-_LIMIT, _LIMIT)


def _expand(latents: Tensor) -> Tensor:
    """The inverse of `_compress`."""
    root = latents.clamp(-_LIMIT, _LIMIT) / _scales(latents.device)
    return (root.abs() ** (1 / _EXPONENT) / _GAIN).copysign(root)


def _pack(spectrum: Tensor) -> Tensor:
    """Spectrum `[B, C, S, N]` → latents `[B, D, S]`: mid bins, side bins, mid bands, side bands."""
    mid, side = spectrum.unbind(1)
    kept = [
        mid[..., :_MID_BINS],
        side[..., :_SIDE_BINS],
        _band_levels(mid, _band_edges(_MID_BINS, _MID_BANDS)),
        _band_levels(side, _band_edges(_SIDE_BINS, _SIDE_BANDS)),
    ]
    return _compress(torch.cat(kept, dim=-1)).transpose(1, 2).contiguous()


def _unpack(latents: Tensor, first_frame: int) -> Tensor:
    """Latents `[B, D, S]` → spectrum `[B, C, S, N]`."""
    amplitude = _expand(latents.transpose(1, 2))
    sizes = [_MID_BINS, _SIDE_BINS, _MID_BANDS, _SIDE_BANDS]
    mid, side, mid_levels, side_levels = amplitude.split(sizes, dim=-1)
    frames = (torch.arange(latents.shape[2], device=latents.device) + first_frame) % _NOISE_FRAMES
    noise = _noise(latents.device)[:, frames]
    signs = _signs(mid)
    mid = torch.cat([mid, _fill(noise[0], signs, mid_levels, _band_edges(_MID_BINS, _MID_BANDS))], dim=-1)
    side = torch.cat(
        [side, _fill(noise[1], signs, side_levels, _band_edges(_SIDE_BINS, _SIDE_BANDS))], dim=-1
    )
    return torch.nn.functional.pad(torch.stack([mid, side], dim=1), (0, _HOP - _TOP_BIN))


def _band_levels(spectrum: Tensor, edges: tuple[int, ...]) -> Tensor:
    """Root mean square of each band, `[..., bands]`."""
    bands = [spectrum[..., low:high] for low, high in pairwise(edges)]
    return torch.stack([band.square().mean(dim=-1).sqrt() for band in bands], dim=-1)


def _fill(noise: Tensor, signs: Tensor, levels: Tensor, edges: tuple[int, ...]) -> Tensor:
    """Noise `[S, N]` at the levels `[B, S, bands]`: bins from the first edge to the last."""
    widths = torch.tensor([high - low for low, high in pairwise(edges)], device=levels.device)
    level = levels.clamp(min=0.0).repeat_interleave(widths, dim=-1)
    return level * noise[:, edges[0] : edges[-1]] * signs[..., edges[0] : edges[-1]]


def _signs(mid: Tensor) -> Tensor:
    """±1 `[B, S, N]` from the kept bins, so that stems with one noise do not add up as if they were equal."""
    signs = torch.where(mid < 0, -1.0, 1.0)
    return signs.repeat(1, 1, -(-_HOP // _MID_BINS))[..., :_HOP]


@lru_cache(maxsize=4)
def _noise(device: torch.device) -> Tensor:
    """Fixed noise `[C, frames, N]` at root mean square 1 in each band of a frame: levels come out exact."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(2, _NOISE_FRAMES, _HOP, generator=generator)
    for channel, edges in (
        (0, _band_edges(_MID_BINS, _MID_BANDS)),
        (1, _band_edges(_SIDE_BINS, _SIDE_BANDS)),
    ):
        for low, high in pairwise(edges):
            band = noise[channel, :, low:high]
            noise[channel, :, low:high] = band / band.square().mean(dim=-1, keepdim=True).sqrt()
    return noise.to(device)

"""EnCodec 48 kHz as a continuous codec: its encoder's output before quantisation, and the segment's level.

EnCodec normalises over time, so a frame depends on the length it is encoded with, and its decoder
cannot see how loud a segment was. Here audio is cut into contiguous segments of one second, each is
encoded alone at unit level, and the level becomes one more latent channel. Windows of fixed length,
a segment and a little of its neighbours, are decoded and cross-faded.

Axes: B batch, G segment, D latent channel, S latent frame.
"""

import hashlib
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from stemwright.codec import check_audio
from stemwright.errors import InputError
from stemwright.pretrained import pretrained_folder, quiet_loading, weights_sha256

if TYPE_CHECKING:
    from transformers import EncodecConfig, EncodecModel

_MODEL = "facebook/encodec_48khz"
_ALTERNATIVE = "the embedded codec 'mdct'"
_RATE_HZ = 48_000
_HOP = 320
_CHANNELS = 128
_SEGMENT = 150
"""Frames a segment: one second, the length EnCodec was trained on."""
_CONTEXT = 8
"""Frames of each neighbour that a segment is decoded with."""
_FADE = 4
"""Neighbours are cross-faded from so many frames before their boundary to so many after it."""
_FLOOR = 1e-4
"""Levels near and below -80 dB count as silence; the logarithm of silence is log(floor)."""
_BATCH = 8
"""Segments encoded or decoded at a time: hours fit in memory."""


class EncodecCodec:
    """48 kHz stereo ↔ latents `[B, 129, S]` at 150 frames/s: 128 channels of EnCodec and the log-level."""

    sample_rate_hz = _RATE_HZ
    frame_rate_hz = _RATE_HZ / _HOP
    latent_dim = _CHANNELS + 1
    segment_frames = _SEGMENT
    context_frames = 0
    hop = _HOP

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        *,
        weights_hash: str,
        name: str = "encodec",
        device: torch.device | str = "cpu",
    ) -> None:
        """`encoder`: `[G, 2, n]` → `[G, 128, n / 320]`, `decoder`: back; `weights_hash`: of them both."""
        self.name = name
        self.device = torch.device(device)
        self._encoder = encoder.to(self.device).eval().requires_grad_(False)
        self._decoder = decoder.to(self.device).eval().requires_grad_(False)
        # Not the name: two backends with equal weights give equal latents.
        settings = ("encodec 48 kHz", 1, weights_hash, _SEGMENT, _FLOOR)
        self.fingerprint = hashlib.sha256(repr(settings).encode()).hexdigest()[:16]

    @classmethod
    def from_pretrained(
        cls, weights: str | None = None, *, device: torch.device | str = "cpu"
    ) -> "EncodecCodec":
        """The published weights from a local folder or the usual cache; InputError if they are missing."""
        from transformers import EncodecModel

        folder = pretrained_folder(weights, model=_MODEL, alternative=_ALTERNATIVE)
        with quiet_loading(folder):
            model = EncodecModel.from_pretrained(folder, local_files_only=True, dtype=torch.float32)
        config = model.config
        if (config.sampling_rate, config.audio_channels, config.hop_length) != (_RATE_HZ, 2, _HOP):
            raise InputError(
                f"{folder}: is not the stereo 48 kHz EnCodec; fetch it with `hf download {_MODEL}`"
            )
        return cls(model.encoder, model.decoder, weights_hash=weights_sha256(folder), device=device)

    @classmethod
    def random(
        cls, seed: int, *, num_filters: int = 32, device: torch.device | str = "cpu"
    ) -> "EncodecCodec":
        """The architecture with random weights, for trials without the published ones."""
        model = random_model(seed, num_filters=num_filters)
        weights_hash = f"random {seed} {num_filters}"
        return cls(model.encoder, model.decoder, weights_hash=weights_hash, device=device)

    @torch.no_grad()
    def encode(self, audio: Tensor) -> Tensor:
        """Audio `[B, 2, n]` in ±1 at 48 kHz → float32 latents `[B, 129, S]`, S = ceil(n / 320).

        Raises InputError for another shape, no samples, or samples that are not finite.
        """
        check_audio(audio)
        batch, _, num_samples = audio.shape
        num_frames = -(-num_samples // _HOP)
        segments = _segments(audio.float())
        latents = torch.cat([self._encode(part).to(audio.device) for part in segments.split(_BATCH)])
        latents = latents.unflatten(0, (batch, -1)).transpose(1, 2).flatten(2)
        return latents[..., :num_frames].contiguous()

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:
        """Latents `[B, 129, S]`, from a segment's start on, → audio `[B, 2, 320·S]`.

        A segment's level is the mean of its log-level channel; at the floor it decodes to silence.
        Raises InputError for another shape.
        """
        if latents.ndim != 3 or latents.shape[1] != self.latent_dim or latents.shape[2] == 0:
            raise InputError(f"latents to decode must be [batch, 129, frames], got {list(latents.shape)}")
        batch, _, num_frames = latents.shape
        windows, gains = _windows(latents.float())
        num_windows = windows.shape[1]
        audio = latents.new_zeros((batch, 2, (num_windows * _SEGMENT + 2 * _CONTEXT) * _HOP)).float()
        jobs = [(row, segment) for row in range(batch) for segment in range(num_windows)]
        fade = _fade(audio.device)
        for start in range(0, len(jobs), _BATCH):
            rows, places = (torch.tensor(part) for part in zip(*jobs[start : start + _BATCH], strict=True))
            decoded = self._decode(windows[rows, places], gains[rows, places]).to(audio.device)
            for row, place, window in zip(rows.tolist(), places.tolist(), decoded, strict=True):
                at = place * _SEGMENT * _HOP
                audio[row, :, at : at + window.shape[-1]] += window * fade
        return (audio / _total_fade(num_windows, audio.device))[..., _CONTEXT * _HOP :][
            ..., : num_frames * _HOP
        ]

    def _encode(self, segments: Tensor) -> Tensor:
        """Segments `[G, 2, 48000]` → latents `[G, 129, 150]`."""
        level = _level(segments)
        latents = self._encoder((segments / (level + 1e-8)).to(self.device)).to(segments.device)
        log_level = (level + _FLOOR).log().expand(-1, 1, latents.shape[-1])
        return torch.cat([latents, log_level], dim=1)

    def _decode(self, windows: Tensor, gains: Tensor) -> Tensor:
        """Windows `[G, 128, 166]` and a gain a frame `[G, 166]` → audio `[G, 2, 166 · 320]`."""
        audio = self._decoder(windows.to(self.device)).to(windows.device)
        # The decoder sets the level of the whole window; by construction that of the segment alone is 1.
        level = _level(audio[..., _CONTEXT * _HOP : -_CONTEXT * _HOP])
        return audio / level.clamp(0.5, 2.0) * gains.repeat_interleave(_HOP, dim=-1)[:, None]


def random_model(seed: int, *, num_filters: int = 32) -> "EncodecModel":
    """EnCodec 48 kHz with random weights; `num_filters` of the published one is 32."""
    from transformers import EncodecModel

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return EncodecModel(encodec_48khz_config(num_filters=num_filters))


def encodec_48khz_config(*, num_filters: int = 32) -> "EncodecConfig":
    """The architecture of the published 48 kHz model (Défossez 2022, §3)."""
    from transformers import EncodecConfig

    return EncodecConfig(
        target_bandwidths=[3.0, 6.0, 12.0, 24.0],
        sampling_rate=_RATE_HZ,
        audio_channels=2,
        normalize=True,
        chunk_length_s=1.0,
        overlap=0.01,
        num_filters=num_filters,
        norm_type="time_group_norm",
        use_causal_conv=False,
    )


def _level(audio: Tensor) -> Tensor:
    """Root mean square `[G, 1, 1]` of the mono sum, as EnCodec has it.

    At least a tenth of that of both channels: opposite channels would otherwise count as silence.
    """
    mono = audio.mean(dim=1, keepdim=True).square().mean(dim=-1, keepdim=True).sqrt()
    both = audio.square().mean(dim=(1, 2), keepdim=True).sqrt()
    return torch.maximum(mono, both / 10)


def _mirrored(length: int, start: int, stop: int, device: torch.device) -> Tensor:
    """Indices start…stop-1 of a sequence that is reflected, again and again, at both its ends."""
    index = torch.arange(start, stop, device=device) % (2 * length)
    return torch.minimum(index, 2 * length - 1 - index)


def _segments(audio: Tensor) -> Tensor:
    """Audio `[B, 2, n]` → `[B·G, 2, 48000]`.

    The last segment is filled with a reflection: unlike silence, it has the level and the statistics
    of the music, and the decoder can fill the frames that are cut off in the same way.
    """
    size = _SEGMENT * _HOP
    audio = nn.functional.pad(audio, (0, -audio.shape[-1] % _HOP))  # whole frames are reflected
    num_samples = audio.shape[-1]
    whole = num_samples // size
    parts = [audio[..., : whole * size].unflatten(-1, (whole, size))]
    if rest := num_samples - whole * size:
        tail = audio[..., whole * size :]
        parts.append(tail[..., _mirrored(rest, 0, size, audio.device)][:, :, None])
    return torch.cat(parts, dim=2).transpose(1, 2).flatten(0, 1)


def _windows(latents: Tensor) -> tuple[Tensor, Tensor]:
    """Latents `[B, 129, S]` → windows `[B, G, 128, 166]` and their gains a frame `[B, G, 166]`."""
    num_frames = latents.shape[-1]
    num_segments = -(-num_frames // _SEGMENT)
    last = (num_segments - 1) * _SEGMENT
    fill = last + _mirrored(num_frames - last, 0, _SEGMENT, latents.device)
    full = torch.cat([latents[..., :last], latents[..., fill]], dim=-1)
    log_level = full[:, -1].unflatten(-1, (num_segments, _SEGMENT)).mean(dim=-1)
    gain = (log_level.clamp(max=10.0).exp() - _FLOOR).clamp(min=0.0)
    full = torch.cat([full[:, :-1], gain.repeat_interleave(_SEGMENT, dim=-1)[:, None]], dim=1)
    with_context = _mirrored(full.shape[-1], -_CONTEXT, full.shape[-1] + _CONTEXT, latents.device)
    windows = full[..., with_context].unfold(-1, _SEGMENT + 2 * _CONTEXT, _SEGMENT).transpose(1, 2)
    return windows[:, :, :-1], windows[:, :, -1]


def _fade(device: torch.device) -> Tensor:
    """The weight of a window's samples `[166 · 320]`; neighbouring windows add up to 1."""
    ramp = (torch.arange(2 * _FADE * _HOP, device=device) + 0.5) / (2 * _FADE * _HOP)
    zeros = torch.zeros((_CONTEXT - _FADE) * _HOP, device=device)
    ones = torch.ones((_SEGMENT - 2 * _FADE) * _HOP, device=device)
    return torch.cat([zeros, ramp, ones, ramp.flip(0), zeros])


def _total_fade(num_windows: int, device: torch.device) -> Tensor:
    """The sum of all windows' weights: 1, but for the two ends, where a neighbour is missing."""
    total = torch.ones((num_windows * _SEGMENT + 2 * _CONTEXT) * _HOP, device=device)
    edge = (_CONTEXT + _FADE) * _HOP
    fade = _fade(device)[:edge].clamp(min=1e-3)
    total[:edge], total[-edge:] = fade, fade.flip(0)
    return total

"""The seam between audio and latents (Eq. 4), and how a codec is found by name.

Axes: B batch, D latent channel, S latent frame.
"""

from typing import Protocol, runtime_checkable

from torch import Tensor

from stemwright.errors import InputError

CODECS = ("mdct", "conv", "encodec", "encodec-package")
"""What `load_codec` knows."""


@runtime_checkable
class Codec(Protocol):
    """Stereo audio to latents and back. Nothing may assume a frame rate or a width."""

    name: str
    """What `load_codec` calls it."""
    sample_rate_hz: int
    frame_rate_hz: float
    latent_dim: int
    """D."""
    segment_frames: int
    """Latents start at multiples of this many frames (1 where any frame will do)."""
    context_frames: int
    """A latent frame depends on the audio of so many frames to either side, beyond its own segment."""
    fingerprint: str
    """Changes whenever equal audio would give other latents: kind, settings and weights."""

    @property
    def hop(self) -> int:
        """Audio samples a latent frame."""
        ...

    def encode(self, audio: Tensor) -> Tensor:
        """Audio `[B, 2, n]` in ±1 at `sample_rate_hz` → float32 latents `[B, D, S]`, S = ceil(n / hop)."""
        ...

    def decode(self, latents: Tensor) -> Tensor:
        """Latents `[B, D, S]` → audio `[B, 2, S·hop]`."""
        ...


def check_audio(audio: Tensor) -> None:
    """InputError unless `audio` is `[B, 2, n]` with finite samples, at least one."""
    if audio.ndim != 3 or audio.shape[1] != 2 or audio.shape[2] == 0:
        raise InputError(f"audio to encode must be [batch, 2, samples], got {list(audio.shape)}")
    if not bool(audio.isfinite().all()):
        raise InputError("audio to encode has samples that are not finite; repair it first")


def load_codec(name: str, *, weights: str | None = None, device: str = "cpu") -> Codec:
    """The codec called `name`.

    "mdct": embedded, no weights; "conv": embedded, trained; "encodec": EnCodec 48 kHz, pre-trained;
    "encodec-package": the same weights run by the PyPI package encodec.
    `weights`: a local file or folder to look in before the shipped weights or the usual cache.
    Raises InputError for an unknown name or missing weights.
    """
    if name == "mdct":
        from stemwright.mdct_codec import MdctCodec

        return MdctCodec()
    if name == "conv":
        from stemwright.conv_codec import ConvCodec

        return ConvCodec.from_pretrained(weights, device=device)
    if name == "encodec":
        from stemwright.encodec_codec import EncodecCodec

        return EncodecCodec.from_pretrained(weights, device=device)
    if name == "encodec-package":
        from stemwright.encodec_package_codec import load_encodec_package

        return load_encodec_package(weights, device=device)
    raise InputError(f"unknown codec '{name}': choose {', '.join(CODECS[:-1])} or {CODECS[-1]}")

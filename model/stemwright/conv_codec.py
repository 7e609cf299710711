"""The embedded trained codec: a small convolutional autoencoder, its weights in one safetensors file.

Hours are worked through in pieces with as much of their surroundings as the network sees, so that pieces
come out as the whole would. One row at a time: what shares a batch changes nothing.

Axes: B batch, n audio sample, S latent frame, D latent channel.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from stemwright.codec import check_audio
from stemwright.conv_codec_net import HALVES, HOP, ConvAutoencoder, ConvCodecConfig
from stemwright.data_folder import DataFolder
from stemwright.errors import InputError
from stemwright.strokes import PARTS, struck
from stemwright.tones import SAMPLE_RATE_HZ, sung

FILE = "conv_codec.safetensors"
SHIPPED = Path(__file__).parent / "weights" / FILE
KIND = "stemwright conv codec 2"
"""What the file says it is. Changes with the arithmetic: equal weights then no longer give equal latents."""
METADATA = "stemwright"
"""Entry of the file's metadata, JSON with its kind and configuration."""
PIECE_FRAMES = 384
"""Latent frames worked on at a time, 8 s: what a layer hands on still fits the processor's cache."""


class ConvCodec:
    """48 kHz stereo ↔ latents `[B, 64, S]` at 46.875 frames/s."""

    name = "conv"
    sample_rate_hz = SAMPLE_RATE_HZ
    frame_rate_hz = SAMPLE_RATE_HZ / HOP
    segment_frames = 1
    hop = HOP

    def __init__(
        self, model: ConvAutoencoder, *, fingerprint: str, device: torch.device | str = "cpu"
    ) -> None:
        """`fingerprint`: of the model's weights and configuration."""
        self.device = torch.device(device)
        self.fingerprint = fingerprint
        self.latent_dim = model.config.latent_dim
        self.context_frames = model.config.encoder_reach
        self._decoder_reach = model.config.decoder_reach
        self._model = model.float().to(self.device).eval().requires_grad_(False)

    @classmethod
    def from_pretrained(
        cls, weights: str | Path | None = None, *, device: torch.device | str = "cpu"
    ) -> "ConvCodec":
        """`weights`: a file that a codec's training published, or its folder; the shipped file by default.

        Raises InputError where it is missing or damaged.
        """
        path = weights_path(weights)
        config, state = read_codec_file(path)
        with torch.device("meta"):
            model = ConvAutoencoder(config)
        try:
            model.load_state_dict(state, assign=True)
        except RuntimeError as error:
            raise InputError(f"{path} does not fit its own configuration ({_line(error)})") from None
        return cls(model, fingerprint=fingerprint_of(config, state), device=device)

    @torch.no_grad()
    def encode(self, audio: Tensor) -> Tensor:
        """Audio `[B, 2, n]` in ±1 at 48 kHz → float32 latents `[B, 64, S]`, S = ceil(n / 1024).

        Raises InputError for another shape, no samples, or samples that are not finite.
        """
        check_audio(audio)
        rows = [self._encode(row) for row in audio.split(1)]
        return torch.cat(rows).transpose(1, 2).contiguous().to(audio.device)

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:
        """Latents `[B, 64, S]` → audio `[B, 2, 1024·S]`. Raises InputError for another shape."""
        if latents.ndim != 3 or latents.shape[1] != self.latent_dim or latents.shape[2] == 0:
            shape = f"[batch, {self.latent_dim}, frames]"
            raise InputError(f"latents to decode must be {shape}, got {list(latents.shape)}")
        mid, side = torch.cat([self._decode(row) for row in latents.split(1)]).unbind(1)
        return torch.stack([mid + side, mid - side], dim=1).to(latents.device)

    def _encode(self, audio: Tensor) -> Tensor:
        """`[1, 2, n]` → `[1, S, D]`."""
        whole = torch.nn.functional.pad(audio.to(self.device, torch.float32), (0, -audio.shape[-1] % HOP))
        left, right = whole.unbind(1)
        mid_side = torch.stack([(left + right) / 2, (left - right) / 2], dim=1)

        made = [
            self._model.encoder(mid_side[..., span.start * HOP : span.stop * HOP])[0][:, span.kept]
            for span in _spans(whole.shape[-1] // HOP, self.context_frames)
        ]
        return torch.cat(made, dim=1)

    def _decode(self, latents: Tensor) -> Tensor:
        """`[1, D, S]` → mid and side `[1, 2, S·HOP]`."""
        frames = latents.to(self.device, torch.float32).transpose(1, 2)
        voices, strokes = [], []
        for span in _spans(frames.shape[1], self._decoder_reach):
            sounding = self._model.decoder(frames[:, span.start : span.stop])
            heard = struck(sounding.strokes, span.start * PARTS).unflatten(-1, (-1, HOP))
            strokes.append(heard[:, :, span.kept].flatten(2))
            voices.append(sounding.voices.unflatten(1, (-1, HALVES))[:, span.kept].flatten(1, 2))
        # voices are sung as a whole: where one is in its turn depends on all that went before
        return sung(torch.cat(voices, dim=1)) + torch.cat(strokes, dim=2)


def weights_path(weights: str | Path | None) -> Path:
    """The file itself, or in a folder; the shipped one by default. InputError where it is missing."""
    place = Path(weights) if weights else SHIPPED
    path = place / FILE if place.is_dir() else place
    if not path.is_file():
        raise InputError(
            f"there is no {path}, the weights of codec 'conv': train them with `stemwright codec train`, "
            "or use the codec 'mdct', which needs none"
        )
    return path


def write_codec_file(path: str | Path, weights: Mapping[str, Tensor], config: ConvCodecConfig) -> None:
    """Write the state of a `ConvAutoencoder` in half precision, whole or not at all."""
    halves = {name: value.detach().cpu().half().contiguous() for name, value in weights.items()}
    if broken := [name for name, value in halves.items() if not bool(value.isfinite().all())]:
        raise ValueError(f"{broken[0]} does not fit 16-bit floats")
    # one entry: the order of several would change from file to file
    content = save(halves, metadata={METADATA: json.dumps({"kind": KIND, "config": asdict(config)})})
    folder, name = Path(path).parent, Path(path).name
    DataFolder(folder).write(name, content)


def read_codec_file(path: Path) -> tuple[ConvCodecConfig, dict[str, Tensor]]:
    """What `write_codec_file` wrote, as float32. InputError for a damaged file or one of another kind."""
    try:
        with safe_open(path, "pt") as file:
            metadata = (file.metadata() or {}).get(METADATA, "{}")
            # cloned into aligned memory: where products round differs with it
            state = {name: file.get_tensor(name).float().clone() for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path} cannot be read as weights of codec 'conv' ({_line(error)})") from None
    return _config(metadata, path), state


def fingerprint_of(config: ConvCodecConfig, state: Mapping[str, Tensor]) -> str:
    """Of the arithmetic, the configuration and the weights, whatever file they lie in."""
    digest = hashlib.sha256(json.dumps([KIND, asdict(config)], sort_keys=True).encode())
    for name in sorted(state):
        digest.update(name.encode())
        digest.update(state[name].half().numpy().tobytes())
    return digest.hexdigest()[:16]


class _Span(NamedTuple):
    """Frames to work on, and which of what comes of them to keep."""

    start: int
    stop: int
    kept: slice


def _spans(num_frames: int, reach: int) -> Iterator[_Span]:
    """Pieces of all frames, each with as much around it as the network sees."""
    for start in range(0, num_frames, PIECE_FRAMES):
        stop = min(start + PIECE_FRAMES, num_frames)
        first = max(0, start - reach)
        yield _Span(first, min(stop + reach, num_frames), slice(start - first, stop - first))


def _config(metadata: str, path: Path) -> ConvCodecConfig:
    try:
        facts: dict[str, Any] = json.loads(metadata)
        if facts.get("kind") != KIND:
            raise InputError(f"{path} holds no weights of codec 'conv' for this release")
        return ConvCodecConfig(**facts["config"])
    except InputError:
        raise
    except (ValueError, TypeError, KeyError, AttributeError):
        raise InputError(f"{path} has a configuration that this release cannot read") from None


def _line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]

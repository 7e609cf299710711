"""Clips as a rater hears them: as long and as loud as each other, compressed, and veiled.

Axes: n audio sample.
"""

import base64
from io import BytesIO
from pathlib import Path

import numpy as np
import scipy.signal
import soundfile
import torch
from torch import Tensor

from stemwright.audio import read_audio
from stemwright.loudness import integrated_lufs, matching_gain_db

SAMPLE_RATE_HZ = 48_000
LOUDNESS_LUFS = -20.0
HIGHEST_PEAK = 0.89
"""-1 dB of full scale: the decoder of a compressed clip overshoots."""
FADE_S = 0.01
MP3_COMPRESSION = 0.55
"""160 kbit/s, constant, so that no clip's size tells how it sounds."""
VEIL_BYTES = 16
_LENGTH_BYTES = 4
_SPOILT_CUTOFF_HZ = 900
_SPOILT_GAP_S, _SPOILT_EVERY_S = 0.25, 1.0
_SPOILT_NOISE_DB = -12.0


def read_pair(first: Path, second: Path, *, longest_s: float) -> tuple[Tensor, Tensor]:
    """Both clips `[2, n]` at 48 kHz, the longer cut to the shorter and both to `longest_s`.

    InputErrors as `read_audio` has them.
    """
    a, b = _beginning(first, longest_s), _beginning(second, longest_s)
    shortest = min(a.shape[1], b.shape[1])
    return a[:, :shortest], b[:, :shortest]


def level_pair(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Both clips `[2, n]` at one loudness, faded in and out.

    At -20 LUFS, or as loud as the more peaked of the two can be without clipping; silence stays silence.
    """
    leveled = [_at_loudness(clip) for clip in (first, second)]
    peak = max(float(clip.abs().max()) for clip in leveled)
    down = min(1.0, HIGHEST_PEAK / peak) if peak > 0 else 1.0
    return _faded(leveled[0] * down), _faded(leveled[1] * down)


def is_silent(path: Path) -> bool:
    """Whether there is no sound in a file."""
    return not read_audio(path, SAMPLE_RATE_HZ).any()


def spoilt(clip: Tensor, seed: int = 0) -> Tensor:
    """The clip `[2, n]` as nobody prefers it: dull, noisy, with a gap each second."""
    sections = scipy.signal.butter(4, _SPOILT_CUTOFF_HZ, fs=SAMPLE_RATE_HZ, output="sos")
    dull = np.asarray(scipy.signal.sosfilt(sections, clip.numpy(), axis=-1))
    rms = float(np.sqrt(np.mean(np.square(dull))))
    noise = np.random.default_rng(seed).normal(0, rms * 10 ** (_SPOILT_NOISE_DB / 20), dull.shape)
    seconds = np.arange(dull.shape[1]) / SAMPLE_RATE_HZ
    open_ = (seconds + _SPOILT_EVERY_S / 2) % _SPOILT_EVERY_S >= _SPOILT_GAP_S
    return torch.from_numpy(((dull + noise) * open_).astype(np.float32))


def compressed(clip: Tensor) -> bytes:
    """The clip `[2, n]` as an MP3, which every browser decodes; nothing else is written into it."""
    file = BytesIO()
    samples = clip.clamp(-1, 1).T.contiguous().numpy()
    soundfile.write(
        file,
        samples,
        SAMPLE_RATE_HZ,
        format="MP3",
        subtype="MPEG_LAYER_III",
        bitrate_mode="CONSTANT",
        compression_level=MP3_COMPRESSION,
    )
    return file.getvalue()


def veiled(data: bytes, size: int, noise: bytes) -> str:
    """Base64 of `16 noise bytes, then (length, data, padding) xor those`: all clips look alike in the page.

    `size`: bytes before the veil, the same for all clips; `noise`: at least 16 + size random bytes.
    """
    if len(data) + _LENGTH_BYTES > size or len(noise) < VEIL_BYTES + size:
        raise ValueError(f"{len(data)} bytes do not fit {size}, or {len(noise)} of noise are too few")
    plain = len(data).to_bytes(_LENGTH_BYTES, "little") + data
    plain += noise[VEIL_BYTES + len(plain) : VEIL_BYTES + size]
    veil = np.frombuffer(noise[:VEIL_BYTES], dtype=np.uint8)
    hidden = np.frombuffer(plain, dtype=np.uint8) ^ np.resize(veil, size)
    return base64.b64encode(noise[:VEIL_BYTES] + hidden.tobytes()).decode("ascii")


def unveiled(text: str) -> bytes:
    """What `veiled` was given; the page does the same."""
    raw = base64.b64decode(text)
    veil = np.frombuffer(raw[:VEIL_BYTES], dtype=np.uint8)
    plain = (
        np.frombuffer(raw[VEIL_BYTES:], dtype=np.uint8) ^ np.resize(veil, len(raw) - VEIL_BYTES)
    ).tobytes()
    length = int.from_bytes(plain[:_LENGTH_BYTES], "little")
    return plain[_LENGTH_BYTES : _LENGTH_BYTES + length]


def veiled_size(clips: list[bytes]) -> int:
    """The `size` that holds every clip."""
    return max(map(len, clips)) + _LENGTH_BYTES


def _beginning(path: Path, longest_s: float) -> Tensor:
    return read_audio(path, SAMPLE_RATE_HZ)[:, : round(longest_s * SAMPLE_RATE_HZ)]


def _at_loudness(clip: Tensor) -> Tensor:
    gain_db = matching_gain_db(integrated_lufs(clip, SAMPLE_RATE_HZ), LOUDNESS_LUFS)
    return clip * 10 ** (gain_db / 20)


def _faded(clip: Tensor) -> Tensor:
    count = min(round(FADE_S * SAMPLE_RATE_HZ), clip.shape[1] // 2)
    shape = torch.ones(clip.shape[1])
    if count:
        shape[:count] = torch.linspace(0, 1, count)
        shape[-count:] = torch.linspace(1, 0, count)
    return clip * shape

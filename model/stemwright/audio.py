"""Audio files in and out: whatever a musician has becomes 48 kHz stereo, and takes become files."""

import os
import tempfile
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile
import torch
from torch import Tensor

from stemwright.audio_container import Container
from stemwright.audio_stream import BLOCK_FRAMES, MAX_DURATION_S, AudioSource, AudioStream
from stemwright.errors import InputError


def read_audio(
    source: AudioSource,
    sample_rate_hz: int = 48_000,
    *,
    max_duration_s: float = MAX_DURATION_S,
    name: str | None = None,
) -> Tensor:
    """Read a WAV, FLAC, OGG or MP3 as float32 `[2, n]`, n = round(frames · rate ratio), at least 1.

    Arguments and InputErrors as `AudioStream` has them; memory holds one copy.
    """
    with AudioStream(source, sample_rate_hz, max_duration_s=max_duration_s, name=name) as stream:
        audio = np.empty((2, stream.num_samples), dtype=np.float32)
        written = 0
        for block in stream.blocks():
            audio[:, written : written + block.shape[1]] = block
            written += block.shape[1]
    return torch.from_numpy(audio)


def write_audio(
    path: str | os.PathLike[str], audio: Tensor, sample_rate_hz: int = 48_000, subtype: str | None = None
) -> int:
    """Write `[2, n]` as `.wav`, `.flac` (24-bit unless `subtype` says otherwise) or `.ogg`.

    The file appears whole or not at all. Samples beyond ±1 are limited, never wrapped; returns how
    many there were. Raises InputError for another suffix, ValueError for samples that are not finite.
    """
    target = Path(path)
    container = target.suffix.lower().removeprefix(".")
    if container not in ("wav", "flac", "ogg"):
        raise InputError(f"{target.name}: cannot write '{target.suffix}' files; use .wav, .flac or .ogg")
    handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "w+b") as file:
            limited = _write(file, audio, sample_rate_hz, container, subtype)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return limited


def encode_audio(audio: Tensor, sample_rate_hz: int = 48_000, container: Container = "wav") -> bytes:
    """`[2, n]` as the bytes of a 24-bit WAV or FLAC, or an OGG; samples beyond ±1 are limited."""
    file = BytesIO()
    _write(file, audio, sample_rate_hz, container, None)
    return file.getvalue()


def encode_wav(audio: Tensor, sample_rate_hz: int = 48_000) -> bytes:
    """`[2, n]` as the bytes of a 24-bit WAV."""
    return encode_audio(audio, sample_rate_hz, "wav")


def _write(file: BinaryIO, audio: Tensor, sample_rate_hz: int, container: str, subtype: str | None) -> int:
    """Write block by block (a large one overflows libsndfile's Vorbis encoder); counts limited samples."""
    if audio.ndim != 2 or audio.shape[0] not in (1, 2) or audio.shape[1] == 0:
        raise ValueError(f"audio to write must be [2, n] with n > 0, got {list(audio.shape)}")
    samples = audio.detach().cpu().float().numpy()
    if not np.isfinite(samples).all():
        raise ValueError("audio to write has samples that are not finite")
    subtype = subtype or ("VORBIS" if container == "ogg" else "PCM_24")
    limited = 0
    with soundfile.SoundFile(
        file, "w", sample_rate_hz, len(samples), subtype=subtype, format=container.upper()
    ) as out:
        for start in range(0, samples.shape[1], BLOCK_FRAMES):
            block = samples[:, start : start + BLOCK_FRAMES]
            limited += int(np.count_nonzero(np.abs(block) > 1.0))
            out.write(np.clip(block, -1.0, 1.0).T)
    return limited

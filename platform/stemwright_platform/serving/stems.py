"""Stems as the composition API keeps them: cut to length, measured, drawn. Axes: n samples."""

import io
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np
import torch
from torch import Tensor

from stemwright.audio import encode_wav, read_audio
from stemwright.loudness import match_loudness
from stemwright.mixing import fitted
from stemwright.untrusted_audio import decode_apart

WAV = "audio/wav"
NUM_PEAKS = 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Stem:
    """A take's audio with what is told about it."""

    wav: bytes
    """The whole WAV file."""
    gain_db: float
    """Brings the stem to the loudness the model works at."""
    peaks: bytes
    """As `peaks` gives them."""


def uploaded_stem(
    data: bytes, duration_s: float, sample_rate_hz: int, name: str, max_duration_s: float
) -> Stem:
    """An uploaded file cut or padded to `duration_s`. InputError for what is not usable audio."""
    name = PurePath(name).name or "the upload"
    length = round(duration_s * sample_rate_hz)
    samples = decode_apart(data, sample_rate_hz, length, max_duration_s=max_duration_s, name=name)
    audio = fitted(torch.from_numpy(samples), length)
    _, gain_db = match_loudness(audio, sample_rate_hz)
    return stem(audio, sample_rate_hz, gain_db)


def stem(audio: Tensor, sample_rate_hz: int, gain_db: float) -> Stem:
    """Audio `[2, n]` as a take is stored."""
    return Stem(wav=encode_wav(audio, sample_rate_hz), gain_db=gain_db, peaks=peaks(audio))


def decoded(wav: bytes, sample_rate_hz: int) -> Tensor:
    """A stored take's audio `[2, n]`."""
    return read_audio(io.BytesIO(wav), sample_rate_hz)


def peaks(audio: Tensor, num_bins: int = NUM_PEAKS) -> bytes:
    """int8 (lowest, highest) of each of `num_bins` equal spans over both channels; 127 is full scale."""
    edges = np.linspace(0, audio.shape[1], num_bins, endpoint=False).astype(int)
    samples = audio.numpy()
    low = np.minimum.reduceat(samples.min(0), edges)
    high = np.maximum.reduceat(samples.max(0), edges)
    pairs = np.stack([low, high], axis=1).clip(-1, 1) * 127
    return np.round(pairs).astype(np.int8).tobytes()


def peak_pairs(stored: bytes) -> list[list[float]]:
    """Stored peaks as [low, high] pairs in ±1."""
    pairs = np.frombuffer(stored, dtype=np.int8).reshape(-1, 2)
    return np.round(pairs / 127, 3).tolist()

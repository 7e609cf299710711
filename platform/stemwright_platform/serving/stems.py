"""Stems as the composition API keeps them: cut to length, measured, drawn. Axes: n samples."""

import io
import math
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from stemwright.audio import encode_wav, read_audio
from stemwright.loudness import match_loudness
from stemwright.mixing import fitted
from stemwright.untrusted_audio import decode_apart
from stemwright_platform.serving.alignment import alignment
from stemwright_platform.serving.schema import Alignment
from stemwright_platform.serving.sound_process import heard_pulse, stretched
from stemwright_platform.serving.steady_pulse import SAMPLE_RATE_HZ

WAV = "audio/wav"
NUM_PEAKS = 1024
USUAL_BPM = 120.0
"""Where a tempo is looked for in a composition that has none."""
HEARD_S = 60.0
"""Of an upload whose beat is looked for."""
SPARE = 1 << 14
"""Samples beyond the end, for the stretcher's windows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stem:
    """A take's audio with what is told about it."""

    wav: bytes
    """The whole WAV file."""
    gain_db: float
    """Brings the stem to the loudness the model works at."""
    peaks: bytes
    """As `peaks` gives them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Upload:
    """A file as it came."""

    data: bytes
    name: str
    max_duration_s: float
    """What is longer is refused."""

    def decoded(self, sample_rate_hz: int, num_samples: int) -> NDArray[np.float32]:
        """Its first samples `[2, n]`, n at most `num_samples`. InputError for what is not usable audio."""
        name = PurePath(self.name).name or "the upload"
        return decode_apart(
            self.data, sample_rate_hz, num_samples, max_duration_s=self.max_duration_s, name=name
        )


def uploaded_stem(
    upload: Upload, duration_s: float, sample_rate_hz: int, stretch: float = 1.0, offset_s: float = 0.0
) -> Stem:
    """An upload made `stretch` times as long, moved by `offset_s`, cut or padded to `duration_s`.

    Sample for sample as it came where it is not stretched. InputError for what is not usable audio.
    """
    length, offset = round(duration_s * sample_rate_hz), round(offset_s * sample_rate_hz)
    heard = max(length - offset, 1)
    samples = upload.decoded(sample_rate_hz, math.ceil(heard / stretch) + SPARE)
    if stretch != 1:
        samples = stretched(samples, sample_rate_hz, stretch)
    moved = F.pad(torch.from_numpy(samples[:, max(-offset, 0) :].copy()), (max(offset, 0), 0))
    audio = fitted(moved, length)
    _, gain_db = match_loudness(audio, sample_rate_hz)
    return stem(audio, sample_rate_hz, gain_db)


def heard_alignment(
    upload: Upload, tempo_bpm: float | None, beats_per_bar: int, *, is_drums: bool
) -> Alignment:
    """What would bring the upload's beginning onto a composition's grid."""
    audio = upload.decoded(SAMPLE_RATE_HZ, round(HEARD_S * SAMPLE_RATE_HZ))
    about_bpm = tempo_bpm or USUAL_BPM
    pulse = heard_pulse(audio, about_bpm=about_bpm, beats_per_bar=beats_per_bar, is_drums=is_drums)
    return alignment(pulse, tempo_bpm, beats_per_bar)


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

"""Random crops of stems, changed in ways that make a few instruments into many.

Axes: B batch, n audio sample.
"""

import math
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch
from numpy.typing import NDArray
from torch import Tensor

from stemwright.errors import InputError
from stemwright.tones import SAMPLE_RATE_HZ

Audio = NDArray[np.float32]
QUIET = 1e-4
"""-80 dB: crops below are kept as they are, for silence must stay silence."""
LEVEL_DB, LEVEL_SPREAD_DB = -23.0, 5.0
"""Root mean square of a crop after its level is drawn."""
SPEEDS = (0.84, 1.19)
"""Three semitones to either side."""
AHEAD = 4
"""Batches read before they are asked for."""


@dataclass(frozen=True, slots=True)
class Crops:
    """An endless row of batches, each a function of seed and step."""

    files: Sequence[Path]
    """Audio of any rate, mono or stereo; a file given twice is drawn twice as often."""
    num_samples: int
    """n."""
    batch_size: int
    """B."""
    seed: int

    def batch(self, step: int) -> Tensor:
        """float32 `[B, 2, n]`."""
        rng = np.random.default_rng([self.seed, step])
        crops = [self._crop(rng) for _ in range(self.batch_size)]
        mixed = [self._mixed(crop, crops, rng) for crop in crops]
        return torch.from_numpy(np.stack([_changed(crop, rng) for crop in mixed]))

    def ahead(self, start_step: int) -> Generator[tuple[int, Tensor]]:
        """`(step, batch)` from a step on, without end, read by a thread. Close it to end the thread."""
        with ThreadPoolExecutor(1, "crops") as pool:
            waiting = deque(pool.submit(self.batch, start_step + i) for i in range(AHEAD))
            try:
                for step in count(start_step):
                    batch = waiting.popleft().result()
                    waiting.append(pool.submit(self.batch, step + AHEAD))
                    yield step, batch
            finally:
                pool.shutdown(cancel_futures=True)

    def _crop(self, rng: np.random.Generator) -> Audio:
        """A piece of a file, at a speed of its own in half of all cases."""
        path = self.files[int(rng.integers(len(self.files)))]
        speed = float(rng.uniform(*SPEEDS)) if rng.random() < 0.5 else 1.0
        length = int(self.num_samples * speed) + 2
        audio = _read(path, length, rng)
        if speed == 1.0:
            return audio[:, : self.num_samples]
        at = np.arange(self.num_samples) * speed
        left = at.astype(int)
        share = (at - left).astype(np.float32)
        return np.asarray(audio[:, left] * (1 - share) + audio[:, left + 1] * share, np.float32)

    def _mixed(self, crop: Audio, crops: Sequence[Audio], rng: np.random.Generator) -> Audio:
        """Now and then two stems at once: an instrument that no sound font has."""
        if rng.random() >= 0.15:
            return crop
        return crop + crops[int(rng.integers(len(crops)))]


def _read(path: Path, num_samples: int, rng: np.random.Generator) -> Audio:
    """`[2, n]` at the codec's rate from anywhere in a file, zeros past its end. InputError if it cannot."""
    try:
        with soundfile.SoundFile(path) as file:
            if file.channels > 2:
                raise InputError(f"{path} has {file.channels} channels: mono and stereo are read")
            length = math.ceil(num_samples * file.samplerate / SAMPLE_RATE_HZ)
            file.seek(int(rng.integers(max(file.frames - length, 0) + 1)))
            audio = np.asarray(file.read(length, dtype="float32", always_2d=True), np.float32)
            rate_hz = file.samplerate
    except soundfile.LibsndfileError as error:
        raise InputError(
            f"cannot read {path} ({error}): `stemwright corpus check` lists all such files"
        ) from None
    if rate_hz != SAMPLE_RATE_HZ:
        audio = soxr.resample(audio, rate_hz, SAMPLE_RATE_HZ)
    whole = np.zeros((2, num_samples), np.float32)
    whole[:, : len(audio)] = audio.T[:, :num_samples]
    return whole


def _changed(audio: Audio, rng: np.random.Generator) -> Audio:
    """A crop equalised, driven, turned around, and brought to a level."""
    if rng.random() < 0.25:
        audio = _equalised(audio, rng)
    power = float(np.square(audio).mean())
    if power > QUIET**2:
        level_db = float(rng.normal(LEVEL_DB, LEVEL_SPREAD_DB))
        audio = np.asarray(audio * np.float32(10 ** (level_db / 20) / power**0.5), np.float32)
    if rng.random() < 0.1:
        drive = np.float32(rng.uniform(2, 6))
        audio = np.asarray(np.tanh(audio * drive) / drive, np.float32)
    if rng.random() < 0.5:
        audio = audio[::-1]
    if rng.random() < 0.5:
        audio = -audio
    peak = float(np.abs(audio).max())
    return np.ascontiguousarray(audio / np.float32(max(peak, 1.0)), np.float32)


def _equalised(audio: Audio, rng: np.random.Generator) -> Audio:
    """Through a filter of a smooth random response, ±9 dB."""
    num_bins = audio.shape[1] // 2 + 1
    knots = rng.uniform(-9, 9, 8)
    octave = np.log2(np.maximum(np.arange(num_bins) * SAMPLE_RATE_HZ / audio.shape[1], 40) / 40)
    gain = 10 ** (np.interp(octave, np.linspace(0, 9, 8), knots) / 20)
    return np.fft.irfft(np.fft.rfft(audio) * gain, audio.shape[1]).astype(np.float32)

"""Random crops of stems, changed in ways that make a few instruments into many.

Axes: B batch, n audio sample.
"""

import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from torch import Tensor

from stemwright.conv_codec_net import SAMPLE_RATE_HZ
from stemwright.errors import InputError

Audio = NDArray[np.float32]
QUIET = 1e-4
"""-80 dB: crops below are kept as they are, for silence must stay silence."""
LEVEL_DB, LEVEL_SPREAD_DB = -23.0, 5.0
"""Root mean square of a crop after its level is drawn."""
SPEEDS = (0.84, 1.19)
"""Three semitones to either side."""


@dataclass(frozen=True, slots=True)
class Crops:
    """An endless row of batches, each a function of seed and step."""

    files: Sequence[Path]
    """Stereo audio at the codec's rate."""
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

    def ahead(self, start_step: int) -> Iterator[tuple[int, Tensor]]:
        """`(step, batch)` from a step on, without end, read by a thread."""
        ready: queue.Queue[tuple[int, Tensor] | BaseException] = queue.Queue(maxsize=4)
        closing = threading.Event()

        def read() -> None:
            step = start_step
            while not closing.is_set():
                try:
                    item: tuple[int, Tensor] | BaseException = (step, self.batch(step))
                except Exception as error:
                    item = error
                while not closing.is_set():
                    try:
                        ready.put(item, timeout=0.1)
                        break
                    except queue.Full:
                        continue
                step += 1

        reader = threading.Thread(target=read, name="crops", daemon=True)
        reader.start()
        try:
            while True:
                item = ready.get()
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            closing.set()
            reader.join()

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
        return audio[:, left] * (1 - share) + audio[:, left + 1] * share

    def _mixed(self, crop: Audio, crops: Sequence[Audio], rng: np.random.Generator) -> Audio:
        """Now and then two stems at once: an instrument that no sound font has."""
        if rng.random() >= 0.15:
            return crop
        return crop + crops[int(rng.integers(len(crops)))]


def _read(path: Path, length: int, rng: np.random.Generator) -> Audio:
    """`[2, length]` from anywhere in a file, zeros past its end. InputError for a file of another form."""
    try:
        with soundfile.SoundFile(path) as file:
            if file.samplerate != SAMPLE_RATE_HZ or file.channels != 2:
                raise InputError(f"{path} is not stereo at {SAMPLE_RATE_HZ} Hz: prepare its corpus first")
            file.seek(int(rng.integers(max(file.frames - length, 0) + 1)))
            audio = file.read(length, dtype="float32", always_2d=True).T
    except soundfile.LibsndfileError as error:
        raise InputError(f"cannot read {path} ({error})") from None
    return np.pad(audio, ((0, 0), (0, length - audio.shape[1])))


def _changed(audio: Audio, rng: np.random.Generator) -> Audio:
    """A crop equalised, driven, turned around, and brought to a level."""
    if rng.random() < 0.25:
        audio = _equalised(audio, rng)
    power = float(np.square(audio).mean())
    if power > QUIET**2:
        level_db = float(rng.normal(LEVEL_DB, LEVEL_SPREAD_DB))
        audio = audio * np.float32(10 ** (level_db / 20) / power**0.5)
    if rng.random() < 0.1:
        drive = np.float32(rng.uniform(2, 6))
        audio = np.tanh(audio * drive) / drive
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

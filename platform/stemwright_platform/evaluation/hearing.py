"""Sounds on disk heard by features, each sound by each feature once.

Axes: n audio sample.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import soxr
import torch
from torch import Tensor

from stemwright.audio import read_audio
from stemwright.metrics.feature import Arrays, Feature
from stemwright_platform.evaluation.feature_store import FeatureStore, digest_of

READ_RATE_HZ = 48_000
"""Files are read at this rate; features that want another get it from there."""

Heard = Mapping[str, Arrays]
"""Feature name → what it found."""


class Hearing:
    """Features and where their findings are kept. Pickles as its features do."""

    def __init__(self, features: Sequence[Feature], store: FeatureStore) -> None:
        self.features, self._store = tuple(features), store

    def __call__(self, path: Path, read: Callable[[Path], Tensor] | None = None) -> Heard:
        """What all features find in a sound file. InputError where it cannot be read.

        `read`: gives its audio at READ_RATE_HZ, for who has it already; asked where something is not known.
        """
        return self._heard(digest_of(path), lambda: (read or read_sound)(path))

    def of_samples(self, audio: Tensor) -> Heard:
        """The same of float32 audio `[2, n]` at READ_RATE_HZ that is in no file."""
        return self._heard(hashlib.sha256(audio.contiguous().numpy().tobytes()).hexdigest(), lambda: audio)

    def _heard(self, digest: str, read: Callable[[], Tensor]) -> Heard:
        found = {feature.name: self._store.get(digest, feature) for feature in self.features}
        missing = [feature for feature in self.features if found[feature.name] is None]
        if missing:
            rates = _Rates(read())
            for feature in missing:
                arrays = feature.extract(rates.at(feature.sample_rate_hz))
                self._store.put(digest, feature, arrays)
                found[feature.name] = arrays
        return {name: arrays for name, arrays in found.items() if arrays is not None}


def read_sound(path: Path) -> Tensor:
    """Float32 `[2, n]` at READ_RATE_HZ. InputError where it cannot be read."""
    return read_audio(path, READ_RATE_HZ)


class _Rates:
    """One sound `[2, n]` at the rates that are asked for, each made once."""

    def __init__(self, audio: Tensor) -> None:
        self._made = {READ_RATE_HZ: audio}

    def at(self, rate_hz: int) -> Tensor:
        if rate_hz not in self._made:
            samples = soxr.resample(self._made[READ_RATE_HZ].numpy().T, READ_RATE_HZ, rate_hz)
            self._made[rate_hz] = torch.from_numpy(samples.T.copy())
        return self._made[rate_hz]

"""What features find in the stems of a take, all that any figure needs.

Axes: n audio sample.
"""

from collections.abc import Mapping

import soxr
import torch
from torch import Tensor

from stemwright.metrics.coherence import has_pitch
from stemwright.metrics.feature import Arrays, Feature
from stemwright.metrics.harmony import Harmony
from stemwright.metrics.levels import Levels
from stemwright.metrics.musicnn import Musicnn
from stemwright.metrics.rhythm import Rhythm
from stemwright.metrics.soundness import Soundness
from stemwright.mixing import mix
from stemwright_platform.evaluation.clip_folder import MIX

READ_RATE_HZ = 48_000
EMBEDDING = "musicnn"


class StemHearing:
    """Rhythm, levels, faults and embedding of each stem, of pitched ones harmony; the mix's embedding."""

    def __init__(self) -> None:
        self._signal: tuple[Feature, ...] = (Rhythm(), Levels(), Soundness())
        self._harmony, self._embedder = Harmony(), Musicnn()

    def __call__(self, stems: Mapping[str, Tensor]) -> dict[str, dict[str, Arrays]]:
        """Part → feature → what it found in stems `[2, n]` at 48 kHz; "mix" where there are several."""
        found = {name: self._stem(name, audio) for name, audio in stems.items()}
        if len(stems) > 1:
            found[MIX] = {EMBEDDING: self._embedded(mix(stems.values()))}
        return found

    def _stem(self, name: str, audio: Tensor) -> dict[str, Arrays]:
        features = [*self._signal, self._harmony] if has_pitch(name) else self._signal
        heard = {feature.name: feature.extract(audio) for feature in features}
        return {**heard, EMBEDDING: self._embedded(audio)}

    def _embedded(self, audio: Tensor) -> Arrays:
        rate_hz = self._embedder.sample_rate_hz
        samples = soxr.resample(audio.numpy().T, READ_RATE_HZ, rate_hz)
        return self._embedder.extract(torch.from_numpy(samples.T.copy()))

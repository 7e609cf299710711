"""What is measured of one track while it streams by: level, loudness, silence, outline."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stemwright.loudness import LoudnessMeter
from stemwright_platform.corpus.check.measurement import TrackMeasure, packed
from stemwright_platform.corpus.check.source_file import SourceFile

OUTLINE_BINS = 240
SILENT_DBFS = -60.0
SPAN_S = 0.1
"""Silence is told in spans of this length."""

Audio = NDArray[np.float32]


class TrackMeter:
    """The sum of a track's files, heard block by block."""

    def __init__(self, name: str, files: Sequence[SourceFile], sample_rate_hz: int, song_s: float) -> None:
        """`song_s`: the song's duration, which the outline spans."""
        self.name = name
        self.files = tuple(files)
        self._rate_hz = sample_rate_hz
        self._mono = all(file.num_channels < 2 for file in files)
        self._loudness = LoudnessMeter(sample_rate_hz, 1 if self._mono else 2)
        self._bin_samples = max(1, math.ceil(song_s * sample_rate_hz / OUTLINE_BINS))
        self._outline = np.zeros((2, OUTLINE_BINS), np.float32)
        self._num_samples = 0
        self._peak = self._energy = 0.0
        self._num_spans = self._num_silent = 0

    def read(self, num_samples: int) -> Audio:
        """The track's next samples `[2, num_samples]`, measured; silence after the end of its files."""
        parts = [file.read(num_samples) for file in self.files]
        heard = max(part.shape[1] for part in parts)
        if len(parts) == 1 and heard == num_samples:
            audio = np.ascontiguousarray(parts[0])
        else:
            audio = np.zeros((2, num_samples), np.float32)
            for part in parts:
                audio[:, : part.shape[1]] += part
        self._add(audio[:, :heard])
        return audio

    def measure(self) -> TrackMeasure:
        """All that was heard; closes the files."""
        lufs = self._loudness.lufs()
        duration_s = max(file.duration_s for file in self.files)
        return TrackMeasure(
            name=self.name,
            files=tuple(file.measure() for file in self.files),
            duration_s=duration_s,
            peak=self._peak,
            rms=math.sqrt(self._energy / max(1, 2 * self._num_samples)),
            lufs=round(lufs, 2) if math.isfinite(lufs) else None,
            silence_share=self._num_silent / self._num_spans if self._num_spans else 1.0,
            outline=packed(np.clip(np.round(self._outline * 127), -127, 127).astype(np.int8)),
        )

    def _add(self, audio: Audio) -> None:
        if not audio.shape[1]:
            return
        self._peak = max(self._peak, float(audio.max()), -float(audio.min()))
        power = audio[0] * audio[0]
        power += audio[1] * audio[1]
        self._energy += float(power.sum(dtype=np.float64))
        # A mono track goes to both channels: the same energy in one.
        self._loudness.add(audio[:1] * np.float32(math.sqrt(2)) if self._mono else audio)
        span = max(1, round(SPAN_S * self._rate_hz))
        spans = power[: len(power) // span * span].reshape(-1, span).mean(axis=1) / 2
        self._num_spans += len(spans)
        self._num_silent += int(np.count_nonzero(spans < 10 ** (SILENT_DBFS / 10)))
        self._draw(audio)
        self._num_samples += audio.shape[1]

    def _draw(self, audio: Audio) -> None:
        """Widen the outline by these samples."""
        start, size = self._num_samples, self._bin_samples
        first = start // size
        edges = np.arange(first, (start + audio.shape[1] - 1) // size + 1) * size - start
        edges = np.maximum(edges, 0)
        bins = slice(first, min(first + len(edges), OUTLINE_BINS))
        count = bins.stop - bins.start
        low = np.minimum.reduceat(audio.min(axis=0), edges)[:count]
        high = np.maximum.reduceat(audio.max(axis=0), edges)[:count]
        self._outline[0, bins] = np.minimum(self._outline[0, bins], low)
        self._outline[1, bins] = np.maximum(self._outline[1, bins], high)

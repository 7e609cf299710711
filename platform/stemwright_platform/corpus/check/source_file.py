"""One audio file read to its end in blocks, with what only its own samples show: clipping, faults."""

import math
from collections.abc import Iterator
from contextlib import ExitStack

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from stemwright.audio_stream import AudioStream
from stemwright.errors import InputError
from stemwright_platform.corpus.check.container import cut_short, opened
from stemwright_platform.corpus.check.measurement import FaultKind, FileMeasure

FULL_SCALE = 0.9999
"""A sample at or beyond this may be clipped; 16-bit audio's largest is 0.99997."""
SHORTEST_CLIP = 3
"""Successive samples."""

Audio = NDArray[np.float32]


class SourceFile:
    """A file in the course of one pass; a fault ends it early and is kept, never raised."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.sample_rate_hz = self.num_channels = 0
        self.duration_s = 0.0
        self._container = ""
        self._clips = ClipCounter()
        self._equal = True
        self._fault: tuple[FaultKind, str] | None = None
        self._closing = ExitStack()
        self._waiting: list[Audio] = []
        try:
            stream = self._opened()
        except (InputError, OSError) as error:
            self._fail(error)
            self._blocks: Iterator[Audio] = iter(())
            return
        self._blocks = self._measured(stream)

    def begin(self, sample_rate_hz: int) -> None:
        """Say, before the first `read`, at what rate to deliver."""
        if self.sample_rate_hz and sample_rate_hz != self.sample_rate_hz:
            self._blocks = _resampled(self._blocks, self.sample_rate_hz, sample_rate_hz)

    def read(self, num_samples: int) -> Audio:
        """The next samples `[2, n]`, n less than asked for at the end and where the file is faulty."""
        have = sum(block.shape[1] for block in self._waiting)
        try:
            while have < num_samples and (block := next(self._blocks, None)) is not None:
                self._waiting.append(block)
                have += block.shape[1]
        except (InputError, OSError) as error:
            self._fail(error)
            self._blocks = iter(())
        if not self._waiting:
            return np.zeros((2, 0), np.float32)
        joined = self._waiting[0] if len(self._waiting) == 1 else np.concatenate(self._waiting, axis=1)
        self._waiting = [joined[:, num_samples:]] if have > num_samples else []
        return joined[:, :num_samples]

    def measure(self) -> FileMeasure:
        """What was seen so far; closes the file."""
        self._closing.close()
        kind, fault = self._fault or (None, "")
        return FileMeasure(
            path=self.path,
            sample_rate_hz=self.sample_rate_hz,
            num_channels=self.num_channels,
            container=self._container,
            duration_s=self.duration_s,
            clipped_runs=self._clips.num_runs,
            clipped_samples=self._clips.num_samples,
            equal_channels=self.num_channels == 2 and self._equal,
            fault_kind=kind,
            fault=fault,
        )

    def _opened(self) -> AudioStream:
        remote = "://" in self.path
        source = self._closing.enter_context(opened(self.path)) if remote else self.path
        stream = self._closing.enter_context(
            AudioStream(source, None, max_duration_s=math.inf, name=self.path)
        )
        with opened(self.path) as file:
            header = soundfile.info(file)
        self.sample_rate_hz, self.num_channels = header.samplerate, header.channels
        self.duration_s = header.frames / header.samplerate
        self._container = f"{header.format} {header.subtype}"
        self._clips = ClipCounter(flat="FLOAT" in header.subtype or "DOUBLE" in header.subtype)
        return stream

    def _measured(self, stream: AudioStream) -> Iterator[Audio]:
        for block in stream.blocks():
            own = block[: self.num_channels]
            self._clips.add(own)
            self._equal = self._equal and bool(np.array_equal(own[0], own[-1]))
            yield block
        if fault := cut_short(self.path, self._container, decoded=True):
            self._fault = fault

    def _fail(self, error: InputError | OSError) -> None:
        text = str(error) if isinstance(error, InputError) else f"{self.path}: {error}"
        kind: FaultKind = "truncated" if " is truncated " in text else "unreadable"
        self._fault = (kind, text)
        if kind == "unreadable" and self.sample_rate_hz:
            self._fault = cut_short(self.path, self._container, decoded=False) or self._fault


class ClipCounter:
    """Counts runs of samples at full scale, across blocks."""

    def __init__(self, flat: bool = False) -> None:
        """`flat`: the samples of a run must be equal too, as for floats, which may pass full scale."""
        self.num_runs = self.num_samples = 0
        self._flat = flat
        self._tail: Audio | None = None  # the end of the last block, as long as a run may still grow

    def add(self, block: Audio) -> None:
        """Look at the next samples `[channels, n]`."""
        if max(block.max(initial=0), -block.min(initial=0)) < FULL_SCALE:
            self._tail = None
            return
        joined = block if self._tail is None else np.concatenate([self._tail, block], axis=1)
        seen = 0 if self._tail is None else self._tail.shape[1]
        for channel in joined:
            starts, lengths = self._runs(channel)
            new = starts + lengths > seen
            long = (lengths >= SHORTEST_CLIP) & new
            counted = (starts < seen) & (seen - starts >= SHORTEST_CLIP)  # in an earlier block already
            self.num_runs += int(np.count_nonzero(long & ~counted))
            before = np.where(counted, seen - starts, 0)
            self.num_samples += int((lengths - before)[long].sum())
        self._tail = joined[:, -SHORTEST_CLIP:].copy()

    def _runs(self, samples: Audio) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Starts and lengths of stretches at full scale (and of one value, for floats)."""
        full = np.abs(samples) >= FULL_SCALE
        breaks = np.ones(len(samples) + 1, dtype=bool)
        breaks[1:-1] = full[1:] != full[:-1]
        if self._flat:
            breaks[1:-1] |= samples[1:] != samples[:-1]
        edges = np.flatnonzero(breaks)
        kept = full[edges[:-1]]
        return edges[:-1][kept], np.diff(edges)[kept]


def _resampled(blocks: Iterator[Audio], from_hz: int, to_hz: int) -> Iterator[Audio]:
    stream = soxr.ResampleStream(from_hz, to_hz, 2, "float32", "HQ")
    for block in blocks:
        yield stream.resample_chunk(np.ascontiguousarray(block.T)).T
    yield stream.resample_chunk(np.zeros((0, 2), np.float32), last=True).T

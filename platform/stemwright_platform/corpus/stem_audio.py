"""The audio of one track of a song: its files, local or remote, at one rate and summed sample by sample."""

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import fsspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stemwright.audio_stream import AudioStream

Audio = NDArray[np.float32]

_READ_AT_ONCE = 1 << 20


class StemAudio:
    """A track's files, open for one pass; shorter ones end in silence."""

    def __init__(self, paths: Sequence[str], sample_rate_hz: int | None = None) -> None:
        """At least one path or URI. The rate is the highest of the files' where it is not given.

        Raises InputError, naming the file, where one cannot be used.
        """
        with ExitStack() as opening:
            streams = [_opened(path, sample_rate_hz, opening) for path in paths]
            self.sample_rate_hz = max(stream.sample_rate_hz for stream in streams)
            """Of the blocks."""
            if any(stream.sample_rate_hz != self.sample_rate_hz for stream in streams):
                streams = [_opened(path, self.sample_rate_hz, opening) for path in paths]
            self._streams = streams
            self._closing = opening.pop_all()

    @property
    def num_samples(self) -> int:
        """Of the longest file."""
        return self.num_samples_at(self.sample_rate_hz)

    def num_samples_at(self, sample_rate_hz: int) -> int:
        """Of the longest file, resampled."""
        return max(stream.num_samples_at(sample_rate_hz) for stream in self._streams)

    def blocks(self, size: int, num_samples: int | None = None) -> Iterator[Audio]:
        """The sum in blocks `[2, size]`, the last one shorter, with silence up to `num_samples`.

        InputError, naming the file, where one is damaged.
        """
        total = num_samples or self.num_samples
        assert total >= self.num_samples
        files = [_rechunked(stream.blocks(), size) for stream in self._streams]
        for start in range(0, total, size):
            parts = [part for file in files if (part := next(file, None)) is not None]
            yield _sum(parts, min(size, total - start))

    def __enter__(self) -> "StemAudio":
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()


def read_stem(paths: Sequence[str], sample_rate_hz: int) -> Tensor:
    """A whole track, float32 `[2, n]`; InputErrors as `StemAudio` raises them."""
    with StemAudio(paths, sample_rate_hz) as stem:
        return torch.from_numpy(np.concatenate(list(stem.blocks(_READ_AT_ONCE)), axis=1))


def _opened(path: str, sample_rate_hz: int | None, stack: ExitStack) -> AudioStream:
    source: Any = stack.enter_context(fsspec.open(path)) if "://" in path else path
    return stack.enter_context(AudioStream(source, sample_rate_hz, max_duration_s=math.inf, name=path))


def _rechunked(blocks: Iterable[Audio], size: int) -> Iterator[Audio]:
    """The same samples in blocks `[2, size]`, the last one shorter."""
    waiting: list[Audio] = []
    count = 0
    for block in blocks:
        waiting.append(block)
        count += block.shape[1]
        if count >= size:
            joined = np.concatenate(waiting, axis=1)
            whole = count - count % size
            yield from np.split(joined[:, :whole], range(size, whole, size), axis=1)
            waiting, count = [joined[:, whole:]], count - whole
    if count:
        yield np.concatenate(waiting, axis=1)


def _sum(parts: Sequence[Audio], num_samples: int) -> Audio:
    """Blocks that begin together, as one of `num_samples`."""
    if len(parts) == 1 and parts[0].shape[1] == num_samples:
        return parts[0]
    total = np.zeros((2, num_samples), np.float32)
    for part in parts:
        total[:, : part.shape[1]] += part
    return total

"""Byte ranges of shards: mapped into memory where the files are local, fetched together from a store."""

import mmap
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from stemwright.data_folder import DataFolder
from stemwright.shard_layout import TAIL_BYTES, footer_bytes

MAX_MAPPED = 128
"""Files mapped at a time; each holds a file descriptor."""
FOOTER_GUESS = 1 << 20
"""What is fetched of a file's end at first; the footer of half an hour of music fits."""


class ByteRange(NamedTuple):
    """A part of a file."""

    name: str
    start: int
    end: int


class ShardBytes(Protocol):
    """Buffers of a folder's files. Several threads may read."""

    def footers(self, names: Sequence[str]) -> list[Any]:
        """Of each file a buffer that ends where the file ends and holds its footer. FileNotFoundError."""
        ...

    def read(self, ranges: Sequence[ByteRange]) -> list[Any]:
        """Each range as a buffer."""
        ...


class MappedBytes:
    """Files of this machine. Nothing is copied: the page cache is the buffer."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._mapped = lru_cache(MAX_MAPPED)(self._map)  # needs no lock, which a fork could leave taken

    def footers(self, names: Sequence[str]) -> list[Any]:
        return [self._mapped(name) for name in names]

    def read(self, ranges: Sequence[ByteRange]) -> list[Any]:
        views = []
        for name, start, end in ranges:
            mapped = self._mapped(name)
            if hasattr(mmap, "MADV_WILLNEED"):
                # all reads of a batch are under way before the first of them is waited for
                page = start - start % mmap.PAGESIZE
                mapped.madvise(mmap.MADV_WILLNEED, page, end - page)
            views.append(memoryview(mapped)[start:end])
        return views

    def _map(self, name: str) -> mmap.mmap:
        with (self._folder / name).open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


class StoredBytes:
    """Files of an object store, fetched by as many requests at a time as its client makes."""

    def __init__(self, folder: DataFolder) -> None:
        self._folder = folder

    def footers(self, names: Sequence[str]) -> list[Any]:
        tails = self._tails([(name, FOOTER_GUESS) for name in names])
        lengths = [footer_bytes(tail) for tail in tails]
        long = [i for i, (tail, length) in enumerate(zip(tails, lengths, strict=True)) if length > len(tail)]
        for i, tail in zip(long, self._tails([(names[i], lengths[i]) for i in long]), strict=True):
            tails[i] = tail
        return tails

    def read(self, ranges: Sequence[ByteRange]) -> list[Any]:
        return self._folder.read_ranges(ranges)

    def _tails(self, lengths: Sequence[tuple[str, int]]) -> list[bytes]:
        return self._folder.read_ranges([(name, -max(length, TAIL_BYTES), None) for name, length in lengths])


def shard_bytes(folder: DataFolder) -> ShardBytes:
    """The way to read a folder's files."""
    return StoredBytes(folder) if folder.local is None else MappedBytes(folder.local)

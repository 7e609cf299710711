"""Files that end too early though their decoder does not say so: Ogg without a last page, a cut FLAC."""

import struct
import zlib
from contextlib import AbstractContextManager
from typing import Any, BinaryIO

import fsspec
import soundfile

from stemwright_platform.corpus.check.measurement import FaultKind

_PAGE = struct.Struct("<4sBBqIIIB")
_CHECKSUM_AT = slice(22, 26)
_LAST_PAGE = 4
_BITS_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_BLOCK_FRAMES = 1 << 16


def cut_short(path: str, container: str, *, decoded: bool) -> tuple[FaultKind, str] | None:
    """Kind of fault and a line on it, where bytes are missing.

    `container`: as "OGG VORBIS". `decoded`: whether the decoder came to an end without complaint.
    """
    if container.startswith("OGG"):
        return _ogg_fault(path)
    if not decoded and container.startswith("FLAC"):
        return _flac_fault(path)
    return None


def _ogg_fault(path: str) -> tuple[FaultKind, str] | None:
    """Decoders skip damaged pages in silence; walk from page to page by their headers instead."""
    flags = 0
    with opened(path) as file:
        while header := file.read(_PAGE.size):
            if len(header) < _PAGE.size:
                return "truncated", f"{path}: is truncated (it ends within a page); copy or export it again"
            mark, _, flags, _, _, _, checksum, num_segments = _PAGE.unpack(header)
            sizes = file.read(num_segments) if mark == b"OggS" else b""
            body = file.read(sum(sizes))
            if len(body) < sum(sizes):
                return "truncated", f"{path}: is truncated (it ends within a page); copy or export it again"
            if mark != b"OggS" or _ogg_checksum(header + sizes + body) != checksum:
                return "unreadable", f"{path}: is damaged in the middle; copy or export it again"
    if not flags & _LAST_PAGE:
        return "truncated", f"{path}: is truncated (its last page is missing); copy or export it again"
    return None


def _ogg_checksum(page: bytes) -> int:
    """Ogg's CRC-32 runs through the bits from the other end than zlib's, from zero and not inverted."""
    bare = bytearray(page)
    bare[_CHECKSUM_AT] = bytes(4)
    crc = zlib.crc32(bare.translate(_BITS_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{crc:032b}"[::-1], 2)


def _flac_fault(path: str) -> tuple[FaultKind, str] | None:
    """Truncated where the decoder had come to the end of the file when it failed, else None."""
    with opened(path) as file:
        size = file.seek(0, 2)
        file.seek(0)
        read = frames = 0
        try:
            with soundfile.SoundFile(file) as audio:
                frames = audio.frames
                while got := len(audio.read(_BLOCK_FRAMES, dtype="float32", always_2d=True)):
                    read += got
        except (soundfile.SoundFileError, OSError):
            if file.tell() < size:
                return None
    if read >= frames:
        return None
    return "truncated", f"{path}: is truncated (about {read / frames:.0%} is there); copy or export it again"


def opened(path: str) -> AbstractContextManager[BinaryIO]:
    """A local path or a URI, open for reading bytes."""
    file: Any = fsspec.open(path) if "://" in path else open(path, "rb")  # noqa: SIM115
    return file

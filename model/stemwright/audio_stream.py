"""Audio files as a stream of blocks: decoded, checked, in stereo, at one rate, however long they are."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from stemwright.errors import InputError

AudioSource = str | os.PathLike[str] | BinaryIO

MAX_DURATION_S = 7200.0
"""The longest file that is read unless told otherwise."""
MIN_RATE_HZ, MAX_RATE_HZ = 8_000, 192_000
MAX_SAMPLE = 100.0
"""Floating-point samples beyond this are integers in disguise or damage, not audio."""
BLOCK_FRAMES = 1 << 18

_UNKNOWN_LENGTH_BYTES = 0x7FFFF000
"""Streamed WAV headers carry a size like this one or above in place of the real one."""


class AudioStream:
    """A WAV, FLAC, OGG or MP3, open for one pass."""

    def __init__(
        self,
        source: AudioSource,
        sample_rate_hz: int | None = 48_000,
        *,
        max_duration_s: float = MAX_DURATION_S,
        name: str | None = None,
    ) -> None:
        """`source`: a path or a seekable binary file; `name` is what errors call it.

        `sample_rate_hz`: what to resample to; None keeps the file's own.
        Raises InputError, one line with the name, for what is no readable mono or stereo audio of 8 to
        192 kHz, has no samples or is longer than `max_duration_s`.
        """
        self.name = name or _name_of(source)
        self._file = _open(source, self.name)
        try:
            _check_header(self._file, self.name, max_duration_s)
        except InputError:
            self._file.close()
            raise
        self.sample_rate_hz = sample_rate_hz or self._file.samplerate
        """Of the blocks."""
        self.num_samples = self.num_samples_at(self.sample_rate_hz)
        """Of all blocks together."""

    def num_samples_at(self, sample_rate_hz: int) -> int:
        """Length at a rate: round(frames · rate ratio), at least 1."""
        return max(1, round(self._file.frames * sample_rate_hz / self._file.samplerate))

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """Blocks `[2, n]` of any length above 0, `num_samples` in all; mono goes to both channels.

        Raises InputError where the file is damaged, truncated or has samples that are not finite.
        """
        resampler = None
        if self._file.samplerate != self.sample_rate_hz:
            rates = (self._file.samplerate, self.sample_rate_hz)
            resampler = soxr.ResampleStream(*rates, self._file.channels, "float32", "VHQ")
        read, left, last = 0, self.num_samples, False
        while not last:
            block = _read_block(self._file, self.name)
            read += len(block)
            last = len(block) < BLOCK_FRAMES
            if last and read < self._file.frames:
                raise _truncated(self.name, read / self._file.frames)
            out = block if resampler is None else resampler.resample_chunk(block, last=last)
            out = out[:left]
            if last and len(out) < left:  # the resampler may round the other way
                out = np.pad(out, ((0, left - len(out)), (0, 0)))
            left -= len(out)
            if len(out):
                yield np.broadcast_to(out.T, (2, len(out)))

    def __enter__(self) -> "AudioStream":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def _name_of(source: AudioSource) -> str:
    if isinstance(source, str | os.PathLike):
        return os.fspath(source)
    given = getattr(source, "name", None)
    return given if isinstance(given, str) and given else "the audio file"


def _open(source: AudioSource, name: str) -> soundfile.SoundFile:
    if isinstance(source, str | os.PathLike):
        if not Path(source).exists():
            raise InputError(f"{name}: no such file")
        if not Path(source).is_file():
            raise InputError(f"{name}: is not a file; give one audio file")
        empty = Path(source).stat().st_size == 0
        target = os.fspath(source)
    else:
        empty = source.seek(0, os.SEEK_END) == 0
        source.seek(0)
        target = source
    if empty:
        raise InputError(f"{name}: is empty (0 bytes); export it again")
    try:
        return soundfile.SoundFile(target)
    except PermissionError:
        raise InputError(f"{name}: may not be read; check its permissions") from None
    except (soundfile.SoundFileError, TypeError, ValueError, OSError):
        # TypeError: soundfile takes a .raw suffix for headerless samples and asks for their format.
        raise InputError(f"{name}: is not audio that can be read; use WAV, FLAC, OGG or MP3") from None


def _check_header(file: soundfile.SoundFile, name: str, max_duration_s: float) -> None:
    if not MIN_RATE_HZ <= file.samplerate <= MAX_RATE_HZ:
        raise InputError(f"{name}: has a sample rate of {file.samplerate} Hz; export it at 8000 to 192000 Hz")
    if file.channels > 2:
        raise InputError(f"{name}: has {file.channels} channels; mix it down to mono or stereo")
    if file.frames <= 0:
        raise InputError(f"{name}: has no samples; export it again")
    if (duration_s := file.frames / file.samplerate) > max_duration_s:
        raise InputError(
            f"{name}: lasts {duration_s:.1f} s, the limit is {max_duration_s:g} s; cut it into shorter files"
        )
    _check_wav_length(file, name)


def _check_wav_length(file: soundfile.SoundFile, name: str) -> None:
    """libsndfile shortens a cut WAV in silence; only its log tells that the header promised more."""
    found = re.search(r"^data\s*:\s*(\d+) \(should be (\d+)\)", file.extra_info, re.MULTILINE)
    if found and int(found[2]) < int(found[1]) < _UNKNOWN_LENGTH_BYTES:
        raise _truncated(name, int(found[2]) / int(found[1]))


def _truncated(name: str, fraction: float) -> InputError:
    return InputError(f"{name}: is truncated ({fraction:.0%} of it is there); copy or export it again")


def _read_block(file: soundfile.SoundFile, name: str) -> np.ndarray:
    """Up to BLOCK_FRAMES frames, `[frames, channels]`; fewer at the end only."""
    try:
        block = file.read(BLOCK_FRAMES, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, OSError):
        raise InputError(f"{name}: is damaged and cannot be decoded; export it again") from None
    if not np.isfinite(block).all():
        raise InputError(f"{name}: has samples that are not finite (NaN or infinity); export it again")
    if block.size and max(block.max(), -block.min()) > MAX_SAMPLE:
        raise InputError(f"{name}: has samples far beyond ±1; export it with samples in ±1")
    return block

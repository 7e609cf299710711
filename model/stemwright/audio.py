"""Audio files in and out: whatever a musician has becomes 48 kHz stereo, and takes become files."""

import os
import re
import tempfile
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
import soundfile
import soxr
import torch
from torch import Tensor

from stemwright.errors import InputError

Container = Literal["wav", "flac", "ogg"]

MAX_DURATION_S = 7200.0
"""The longest file that is read unless told otherwise."""
MIN_RATE_HZ, MAX_RATE_HZ = 8_000, 192_000
MAX_SAMPLE = 100.0
"""Floating-point samples beyond this are integers in disguise or damage, not audio."""

_BLOCK_FRAMES = 1 << 18
_UNKNOWN_LENGTH_BYTES = 0x7FFFF000
"""Streamed WAV headers carry a size like this one or above in place of the real one."""


def read_audio(
    source: str | os.PathLike[str] | BinaryIO,
    sample_rate_hz: int = 48_000,
    *,
    max_duration_s: float = MAX_DURATION_S,
    name: str | None = None,
) -> Tensor:
    """Read a WAV, FLAC, OGG or MP3 as float32 `[2, n]`, n = round(frames · rate ratio), at least 1.

    `source`: a path or a seekable binary file; `name` is what errors call it. Mono goes to both
    channels. The file is read and resampled block by block: memory holds one copy.
    Raises InputError, one line with the name, for what is no readable mono or stereo audio of 8 to
    192 kHz, has no samples, is truncated, is longer than `max_duration_s` or has samples that are
    not finite.
    """
    name = name or _name_of(source)
    with _open(source, name) as file:
        _check_header(file, name, max_duration_s)
        return _read(file, name, sample_rate_hz)


def write_audio(
    path: str | os.PathLike[str], audio: Tensor, sample_rate_hz: int = 48_000, subtype: str | None = None
) -> int:
    """Write `[2, n]` as `.wav`, `.flac` (24-bit unless `subtype` says otherwise) or `.ogg`.

    The file appears whole or not at all. Samples beyond ±1 are limited, never wrapped; returns how
    many there were. Raises InputError for another suffix, ValueError for samples that are not finite.
    """
    target = Path(path)
    container = target.suffix.lower().removeprefix(".")
    if container not in ("wav", "flac", "ogg"):
        raise InputError(f"{target.name}: cannot write '{target.suffix}' files; use .wav, .flac or .ogg")
    handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "w+b") as file:
            limited = _write(file, audio, sample_rate_hz, container, subtype)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return limited


def encode_audio(audio: Tensor, sample_rate_hz: int = 48_000, container: Container = "wav") -> bytes:
    """`[2, n]` as the bytes of a 24-bit WAV or FLAC, or an OGG; samples beyond ±1 are limited."""
    file = BytesIO()
    _write(file, audio, sample_rate_hz, container, None)
    return file.getvalue()


def encode_wav(audio: Tensor, sample_rate_hz: int = 48_000) -> bytes:
    """`[2, n]` as the bytes of a 24-bit WAV."""
    return encode_audio(audio, sample_rate_hz, "wav")


def _name_of(source: str | os.PathLike[str] | BinaryIO) -> str:
    if isinstance(source, str | os.PathLike):
        return os.fspath(source)
    given = getattr(source, "name", None)
    return given if isinstance(given, str) and given else "the audio file"


def _open(source: str | os.PathLike[str] | BinaryIO, name: str) -> soundfile.SoundFile:
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


def _read(file: soundfile.SoundFile, name: str, sample_rate_hz: int) -> Tensor:
    num_samples = max(1, round(file.frames * sample_rate_hz / file.samplerate))
    audio = np.zeros((2, num_samples), dtype=np.float32)
    stream = None
    if file.samplerate != sample_rate_hz:
        stream = soxr.ResampleStream(file.samplerate, sample_rate_hz, file.channels, "float32", "VHQ")
    read, written, last = 0, 0, False
    while not last:
        block = _read_block(file, name)
        read += len(block)
        last = len(block) < _BLOCK_FRAMES
        out = block if stream is None else stream.resample_chunk(block, last=last)
        out = out[: num_samples - written]
        audio[:, written : written + len(out)] = out.T
        written += len(out)
    if read < file.frames:
        raise _truncated(name, read / file.frames)
    return torch.from_numpy(audio)


def _read_block(file: soundfile.SoundFile, name: str) -> np.ndarray:
    """Up to _BLOCK_FRAMES frames, `[frames, channels]`; fewer at the end only."""
    try:
        block = file.read(_BLOCK_FRAMES, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, OSError):
        raise InputError(f"{name}: is damaged and cannot be decoded; export it again") from None
    if not np.isfinite(block).all():
        raise InputError(f"{name}: has samples that are not finite (NaN or infinity); export it again")
    if block.size and max(block.max(), -block.min()) > MAX_SAMPLE:
        raise InputError(f"{name}: has samples far beyond ±1; export it with samples in ±1")
    return block


def _write(file: BinaryIO, audio: Tensor, sample_rate_hz: int, container: str, subtype: str | None) -> int:
    """Write block by block (a large one overflows libsndfile's Vorbis encoder); counts limited samples."""
    if audio.ndim != 2 or audio.shape[0] not in (1, 2) or audio.shape[1] == 0:
        raise ValueError(f"audio to write must be [2, n] with n > 0, got {list(audio.shape)}")
    samples = audio.detach().cpu().float().numpy()
    if not np.isfinite(samples).all():
        raise ValueError("audio to write has samples that are not finite")
    subtype = subtype or ("VORBIS" if container == "ogg" else "PCM_24")
    limited = 0
    with soundfile.SoundFile(
        file, "w", sample_rate_hz, len(samples), subtype=subtype, format=container.upper()
    ) as out:
        for start in range(0, samples.shape[1], _BLOCK_FRAMES):
            block = samples[:, start : start + _BLOCK_FRAMES]
            limited += int(np.count_nonzero(np.abs(block) > 1.0))
            out.write(np.clip(block, -1.0, 1.0).T)
    return limited

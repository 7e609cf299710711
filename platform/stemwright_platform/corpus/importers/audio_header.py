"""What the header of an audio file says; the samples are not read."""

from dataclasses import dataclass
from pathlib import Path

import soundfile

from stemwright.errors import InputError


@dataclass(frozen=True, kw_only=True, slots=True)
class AudioHeader:
    """Length and rate of an audio file."""

    num_samples: int
    """Of each channel, at least 1."""
    sample_rate_hz: int
    num_channels: int

    @property
    def duration_s(self) -> float:
        return self.num_samples / self.sample_rate_hz


def read_header(path: Path) -> AudioHeader:
    """The header of a WAV, FLAC, OGG or MP3. InputError, naming the file, where it cannot be used."""
    if not path.is_file():
        raise InputError(f"{path} is missing: copy it again")
    try:
        info = soundfile.info(path)
    except (soundfile.SoundFileError, OSError, ValueError, TypeError):
        raise InputError(f"{path} is not audio that can be read: use WAV, FLAC, OGG or MP3") from None
    if info.frames <= 0:
        raise InputError(f"{path} has no samples: export it again")
    return AudioHeader(num_samples=info.frames, sample_rate_hz=info.samplerate, num_channels=info.channels)

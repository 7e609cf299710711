"""What is measured of a song by reading its files: plain facts, no judgement; kept between runs as JSON."""

import base64
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

MIX = "mix"
"""The mix stands among the tracks under this name."""

FaultKind = Literal["unreadable", "truncated"]


@dataclass(frozen=True, kw_only=True, slots=True)
class FileMeasure:
    """One file."""

    path: str
    sample_rate_hz: int = 0
    """0 where the file could not be opened."""
    num_channels: int = 0
    container: str = ""
    """As "FLAC PCM_24"."""
    duration_s: float = 0.0
    """By its header."""
    clipped_runs: int = 0
    """Places with three or more successive samples at full scale, of all channels."""
    clipped_samples: int = 0
    """Samples in those places."""
    equal_channels: bool = False
    """Whether both channels of a stereo file are the same to the last bit."""
    fault_kind: FaultKind | None = None
    fault: str = ""
    """One line that names the file; empty where it is sound."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrackMeasure:
    """The sum of a track's files."""

    name: str
    """Track, or MIX."""
    files: tuple[FileMeasure, ...]
    duration_s: float
    """Of the longest file."""
    peak: float
    """Largest magnitude of a sample, full scale is 1."""
    rms: float
    """Root mean square of both channels over the duration."""
    lufs: float | None
    """Integrated loudness (BS.1770-4); None for silence."""
    silence_share: float
    """Share of the duration in spans of 100 ms below −60 dBFS."""
    outline: str
    """Lowest and highest sample of equal spans of the song, int8 `[2, OUTLINE_BINS]`, as base64."""

    @property
    def is_sound(self) -> bool:
        """Whether all of its files could be read to the end."""
        return not any(file.fault_kind for file in self.files)


@dataclass(frozen=True, kw_only=True, slots=True)
class Offset:
    """Where a stem is found in the mix."""

    track: str
    late_s: float
    """How much later the stem's file sounds than the mix; negative: earlier."""
    likeness: float
    """Agreement of the phases there, 0…1."""
    likeness_at_zero: float
    """The same where the stem should be; negative where its polarity is inverted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MixFit:
    """How the stems add up to the mix. Levels are power in dB relative to the mix, −80 at least."""

    residual_db: float
    """What remains of the mix after the sum of the stems, under the best overall gain, is taken from it."""
    free_residual_db: float
    """The same where each stem may have a gain of its own."""
    gains: dict[str, float]
    """Those gains over their median; 1 where a stem has its place in the sum."""
    offsets: tuple[Offset, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class SongMeasure:
    """A song as it was heard."""

    song_id: str
    sample_rate_hz: int
    """That of most of its files, at which they were compared."""
    tracks: tuple[TrackMeasure, ...]
    """In the manifest's order, MIX last where there is one."""
    fit: MixFit | None
    """None without a mix, or where a file is faulty."""
    doubled: tuple[tuple[str, str], ...]
    """Pairs of tracks with the same audio."""
    landmarks: str
    """The fingerprint, uint32 `[2, L]`: hashes, and when in hops; as base64."""

    def track(self, name: str) -> TrackMeasure | None:
        """A track by name; None where the song lacks it."""
        return next((track for track in self.tracks if track.name == name), None)

    def to_json(self) -> dict[str, Any]:
        """Plain values; `from_json` undoes it."""
        return asdict(self)

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "SongMeasure":
        """KeyError or TypeError where the fields are not those of this version."""
        tracks = [
            TrackMeasure(**{**track, "files": tuple(FileMeasure(**file) for file in track["files"])})
            for track in fields["tracks"]
        ]
        fit = fields["fit"]
        if fit is not None:
            fit = MixFit(**{**fit, "offsets": tuple(Offset(**offset) for offset in fit["offsets"])})
        doubled = tuple((first, second) for first, second in fields["doubled"])
        return cls(**{**fields, "tracks": tuple(tracks), "fit": fit, "doubled": doubled})


def packed(values: NDArray[Any]) -> str:
    """An array's bytes as text."""
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()


def unpacked(text: str, kind: type[np.generic]) -> NDArray[Any]:
    """The two rows that `packed` wrote."""
    return np.frombuffer(base64.b64decode(text), dtype=kind).reshape(2, -1)

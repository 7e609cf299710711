"""dataset.json: what a folder of latent shards holds and how it was made. Its presence says: complete."""

import json
import os
from dataclasses import asdict, dataclass, fields
from typing import Any

from stemwright.data_folder import DataFolder
from stemwright.errors import InputError
from stemwright.tracks import Tracks

FILE_NAME = "dataset.json"
FORMAT_VERSION = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class DatasetInfo:
    """The facts of a prepared data set. Axes: K track."""

    format_version: int = FORMAT_VERSION
    codec: str
    """What `load_codec` calls the codec."""
    codec_fingerprint: str
    """Training and composing refuse any other."""
    sample_rate_hz: int
    """Of the audio that the codec read."""
    hop: int
    """Audio samples a latent frame."""
    frame_rate_hz: float
    latent_dim: int
    segment_frames: int
    """Windows start at multiples of this many frames."""
    chunk_frames: int
    """Frames in a chunk; a song's last chunk may be shorter."""
    storage: str
    """How a latent value is kept: "float16", or "int8" with a scale for each channel of a chunk."""
    loudness_lufs: float
    """Integrated loudness that every sounding stem was brought to."""
    track_names: tuple[str, ...]
    """The K slots."""
    prompt_names: tuple[str, ...]
    """The K slots as a task prefix spells them."""
    num_songs: dict[str, int]
    """Songs of each split."""
    num_chunks: int
    hours: float
    """Length of all songs together; a song counts once, whatever its number of tracks."""
    gains_db: tuple[float, ...]
    """Median over the songs of what was added to each slot's stem to reach `loudness_lufs`."""
    licences: dict[str, int]
    """Songs under each licence."""
    num_rejected: int
    """Songs that could not be used; rejected.parquet says why."""
    stats: str
    """File of the latent statistics, from the training split only."""
    shards: tuple[str, ...]
    """Shard files, in order; any other file in the folder is none of the data set's."""

    @property
    def tracks(self) -> Tracks:
        return Tracks(names=self.track_names, prompt_names=self.prompt_names)

    def save(self, folder: str | os.PathLike[str] | DataFolder) -> None:
        """Write dataset.json, whole or not at all."""
        text = json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n"
        DataFolder.of(folder).write(FILE_NAME, text.encode())

    @classmethod
    def load(cls, folder: str | os.PathLike[str] | DataFolder) -> "DatasetInfo":
        """Read dataset.json. InputError where it is missing, broken or of another version."""
        folder = DataFolder.of(folder)
        path = folder / FILE_NAME
        try:
            entries = json.loads(folder.read(FILE_NAME))
        except FileNotFoundError:
            raise InputError(f"{folder} is not a prepared data set (no {FILE_NAME}): run prepare") from None
        except (OSError, ValueError) as error:
            raise InputError(f"cannot read {path} ({error}): prepare again") from None
        version = entries.get("format_version") if isinstance(entries, dict) else None
        if version != FORMAT_VERSION:
            raise InputError(
                f"{path} has format version {version}, this release reads {FORMAT_VERSION}: prepare again"
            )
        return cls._from_entries(entries, path)

    @classmethod
    def _from_entries(cls, entries: dict[str, Any], path: str) -> "DatasetInfo":
        names = {field.name for field in fields(cls)}
        if wrong := names.symmetric_difference(entries):
            raise InputError(f"{path}: '{min(wrong)}' is missing or unknown: prepare again")
        values: dict[str, Any] = {
            name: tuple(entry) if isinstance(entry, list) else entry for name, entry in entries.items()
        }
        return cls(**values)

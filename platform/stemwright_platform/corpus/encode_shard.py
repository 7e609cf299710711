"""A shard's songs as its file: what a worker does. No Ray."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass, replace
from typing import Literal, get_args

import numpy as np

from stemwright.codec import Codec
from stemwright.data_folder import DataFolder
from stemwright.errors import InputError
from stemwright.latent_shards import ShardWriter, read_notes
from stemwright.latent_stats import LatentMoments
from stemwright.loudness import TARGET_LUFS
from stemwright.tracks import TRACKS, Tracks
from stemwright_platform.corpus.encode_song import SongEncoder, whole_segments
from stemwright_platform.corpus.manifest import Song
from stemwright_platform.corpus.shard_plan import ShardPlan

CHUNK_S = 2.5
"""A chunk is what a reader fetches at least, so it is as short as the shortest training window."""
KEY, REPORT, SETTINGS = "stemwright.key", "stemwright.report", "stemwright.settings"

Storage = Literal["float16", "int8"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Encoding:
    """How songs become latents; a data set has one. Axes: K track."""

    codec: Codec
    tracks: Tracks = TRACKS
    storage: Storage = "float16"
    """How a latent value is kept."""

    def __post_init__(self) -> None:
        if self.storage not in get_args(Storage):
            raise InputError(f"unknown --storage '{self.storage}': choose {' or '.join(get_args(Storage))}")

    @property
    def chunk_frames(self) -> int:
        """Frames of a chunk, whole segments of the codec."""
        return whole_segments(CHUNK_S, self.codec)

    def settings(self) -> dict[str, object]:
        """All but the songs that the latents depend on."""
        return {
            "codec": self.codec.name,
            "codec_fingerprint": self.codec.fingerprint,
            "tracks": list(self.tracks.names),
            "loudness_lufs": TARGET_LUFS,
            "chunk_frames": self.chunk_frames,
            "storage": self.storage,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class SongReport:
    """What became of a song."""

    song_id: str
    reason: str | None = None
    """Why it was rejected; None where it was taken."""
    duration_s: float = 0.0
    num_frames: int = 0
    row_group: int = 0
    """The first of its chunks."""
    presence: tuple[bool, ...] = ()
    """[K], whether the song has the track."""
    gains_db: tuple[float | None, ...] = ()
    """[K]; None for a track that is missing or silent."""


@dataclass(frozen=True, slots=True)
class ShardReport:
    """What a finished shard holds; it is kept in the shard's own footer."""

    songs: tuple[SongReport, ...]
    moments: LatentMoments
    """Of the training songs."""

    @property
    def num_rejected(self) -> int:
        return sum(song.reason is not None for song in self.songs)

    def to_json(self) -> str:
        moments = {name: getattr(self.moments, name).tolist() for name in ("count", "mean", "m2")}
        return json.dumps({"songs": [asdict(song) for song in self.songs], "moments": moments})

    @classmethod
    def from_json(cls, text: str) -> "ShardReport":
        entries = json.loads(text)
        songs = [
            SongReport(**song | {name: tuple(song[name]) for name in ("presence", "gains_db")})
            for song in entries["songs"]
        ]
        count, mean, m2 = (np.array(entries["moments"][name]) for name in ("count", "mean", "m2"))
        return cls(tuple(songs), LatentMoments(count, mean, m2))


def encode_shard(plan: ShardPlan, folder: DataFolder, encoding: Encoding) -> ShardReport:
    """Encode a shard's songs, one after the other, and write its file, whole or not at all."""
    key = shard_key(plan, encoding)
    reports = []
    moments = LatentMoments.empty(len(encoding.tracks), encoding.codec.latent_dim)
    with folder.writing(plan.name) as path, ShardWriter(path, encoding.storage) as writer:
        for song in plan.songs:
            try:
                encoder = SongEncoder(song, encoding.codec, encoding.tracks)
            except InputError as error:
                reports.append(SongReport(song_id=song.song_id, reason=str(error)))
                continue
            reports.append(_taken(encoder, writer.num_chunks))
            song_moments = _write(writer, encoder, encoding)
            if song.split == "train":
                moments = moments.merge(song_moments)
        report = ShardReport(tuple(reports), moments)
        made_with = json.dumps(encoding.settings())
        writer.note({KEY: key, SETTINGS: made_with, REPORT: report.to_json()})
    return report


def shard_key(plan: ShardPlan, encoding: Encoding) -> str:
    """Changes when the shard would come out otherwise: another setting, song or audio file."""
    files = [path for song in plan.songs for paths in song.tracks.values() for path in paths or ()]
    parts = [
        encoding.settings(),
        [_decisive(song) for song in plan.songs],
        [_file_state(path) for path in files],
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def finished_report(plan: ShardPlan, folder: DataFolder, encoding: Encoding) -> ShardReport | None:
    """The report of this very shard, whole, from this run or an earlier one; None where there is none."""
    notes = read_notes(folder, plan.name)
    return ShardReport.from_json(notes[REPORT]) if notes.get(KEY) == shard_key(plan, encoding) else None


def difference(name: str, folder: DataFolder, encoding: Encoding) -> str | None:
    """How a shard's settings differ from those wanted, as "codec encodec"; None where they do not."""
    found = json.loads(read_notes(folder, name).get(SETTINGS, "null"))
    if found is None:
        return None  # no whole shard: it is made anew
    wanted = encoding.settings()
    return next((f"{name} {found.get(name)}" for name in wanted if found.get(name) != wanted[name]), None)


def _write(writer: ShardWriter, encoder: SongEncoder, encoding: Encoding) -> LatentMoments:
    """Append a song's chunks; the moments of its sounding frames."""
    moments = LatentMoments.empty(len(encoding.tracks), encoding.codec.latent_dim)
    start_frame = 0
    for piece in encoder.slices():
        moments = moments.merge(LatentMoments.of(piece.latents, piece.sounding))
        for latents in piece.latents.split(encoding.chunk_frames, dim=-1):
            chunk = start_frame // encoding.chunk_frames
            writer.write(encoder.song, chunk=chunk, start_frame=start_frame, latents=latents)
            start_frame += latents.shape[-1]
    assert start_frame == encoder.num_frames
    return moments


def _taken(encoder: SongEncoder, row_group: int) -> SongReport:
    song = encoder.song
    return SongReport(
        song_id=song.song_id,
        duration_s=encoder.duration_s,
        num_frames=encoder.num_frames,
        row_group=row_group,
        presence=song.presence,
        gains_db=tuple(
            gain_db if track in encoder.heard else None for track, gain_db in enumerate(song.gains_db)
        ),
    )


def _decisive(song: Song) -> dict[str, object]:
    """A song's facts that are in its shard."""
    return asdict(replace(song, notes=(), estimated=(), mix_path=None, downbeats_s=()))


def _file_state(path: str) -> tuple[str, int, int] | str:
    """Size and time of a local file; the name alone of a remote one."""
    try:
        state = os.stat(path)
    except OSError:
        return path
    return path, state.st_size, state.st_mtime_ns

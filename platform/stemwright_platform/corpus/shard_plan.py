"""A shard's songs, and the one function that turns them into its file: what a worker does. No Ray."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from stemwright.codec import Codec
from stemwright.errors import InputError
from stemwright.latent_shards import ShardWriter, read_notes
from stemwright.latent_stats import LatentMoments
from stemwright.loudness import TARGET_LUFS
from stemwright.tracks import TRACKS, Tracks
from stemwright_platform.corpus.encode_song import EncodedSong, encode_song, whole_segments
from stemwright_platform.corpus.manifest import Song

SHARD_S = 60.0
"""A shard takes songs until they last this long together."""
CHUNK_S = 10.0
KEY, REPORT, SETTINGS = "stemwright.key", "stemwright.report", "stemwright.settings"
CODEC = "stemwright.codec"


@dataclass(frozen=True, kw_only=True, slots=True)
class ShardPlan:
    """Which songs go into which file; made from the manifest alone, so it does not depend on scheduling."""

    name: str
    """The shard's file name."""
    songs: tuple[Song, ...]

    @property
    def duration_s(self) -> float:
        return sum(song.duration_s for song in self.songs)


@dataclass(frozen=True, kw_only=True, slots=True)
class SongReport:
    """What became of a song."""

    song_id: str
    split: str
    licence: str
    reason: str | None = None
    """Why it was rejected; None where it was taken."""
    duration_s: float = 0.0
    num_chunks: int = 0
    gains_db: tuple[float | None, ...] = ()
    """[K]; None for a track that is missing or silent."""


@dataclass(frozen=True, slots=True)
class ShardReport:
    """What a finished shard holds; it is kept in the shard's own footer."""

    songs: tuple[SongReport, ...]
    moments: LatentMoments
    """Of the training songs."""


def plan_shards(songs: Sequence[Song]) -> list[ShardPlan]:
    """The songs in order, in groups of about SHARD_S."""
    groups: list[list[Song]] = []
    for song in songs:
        if not groups or sum(other.duration_s for other in groups[-1]) >= SHARD_S:
            groups.append([])
        groups[-1].append(song)
    return [
        ShardPlan(name=f"shard-{number:05d}.parquet", songs=tuple(group))
        for number, group in enumerate(groups)
    ]


def settings(codec: Codec, tracks: Tracks = TRACKS) -> dict[str, object]:
    """All but the songs that the latents depend on."""
    return {
        "codec_fingerprint": codec.fingerprint,
        "tracks": list(tracks.names),
        "loudness_lufs": TARGET_LUFS,
        "chunk_frames": whole_segments(CHUNK_S, codec),
    }


def shard_key(plan: ShardPlan, codec: Codec, tracks: Tracks = TRACKS) -> str:
    """Changes when the shard would come out otherwise: another setting, song or audio file."""
    parts = [settings(codec, tracks), [asdict(song) for song in plan.songs]]
    files = [path for song in plan.songs for paths in song.tracks.values() for path in paths or ()]
    text = json.dumps([*parts, [_file_state(path) for path in files]], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def is_encoded(plan: ShardPlan, folder: Path, codec: Codec, tracks: Tracks = TRACKS) -> bool:
    """Whether the folder has this very shard, whole, from an earlier run."""
    return read_notes(folder / plan.name).get(KEY) == shard_key(plan, codec, tracks)


def encode_shard(plan: ShardPlan, folder: Path, codec: Codec, tracks: Tracks = TRACKS) -> None:
    """Encode a shard's songs, one after the other, and write its file, whole or not at all."""
    key = shard_key(plan, codec, tracks)
    reports = []
    moments = LatentMoments.empty(len(tracks), codec.latent_dim)
    with ShardWriter(folder / plan.name) as writer:
        for song in plan.songs:
            try:
                encoded = encode_song(song, codec, tracks)
            except InputError as error:
                reports.append(_rejected(song, str(error)))
                continue
            num_chunks, song_moments = _write_chunks(writer, encoded, whole_segments(CHUNK_S, codec))
            if song.split == "train":
                moments = moments.merge(song_moments)
            reports.append(_taken(song, encoded, num_chunks))
        report = json.dumps({"songs": [asdict(song) for song in reports], "moments": _numbers(moments)})
        made_with = json.dumps(settings(codec, tracks))
        writer.note({KEY: key, CODEC: codec.name, SETTINGS: made_with, REPORT: report})


def read_report(path: Path) -> ShardReport:
    """The report of a finished shard."""
    entries = json.loads(read_notes(path)[REPORT])
    songs = [SongReport(**song | {"gains_db": tuple(song["gains_db"])}) for song in entries["songs"]]
    count, mean, m2 = (np.array(entries["moments"][name]) for name in ("count", "mean", "m2"))
    return ShardReport(tuple(songs), LatentMoments(count, mean, m2))


def difference(path: Path, codec: Codec, tracks: Tracks = TRACKS) -> str | None:
    """How a shard's settings differ from those wanted, as "codec_fingerprint …"; None where they do not."""
    notes = read_notes(path)
    found = json.loads(notes.get(SETTINGS, "null"))
    if found is None:
        return None  # no whole shard: it is made anew
    for name, wanted in settings(codec, tracks).items():
        if found.get(name) != wanted:
            return f"{name} {found.get(name)} of codec {notes.get(CODEC)}, not {wanted} of {codec.name}"
    return None


def _write_chunks(writer: ShardWriter, encoded: EncodedSong, chunk_frames: int) -> tuple[int, LatentMoments]:
    moments = LatentMoments.empty(*encoded.latents.shape[:2])
    pieces = encoded.latents.split(chunk_frames, dim=-1)
    for chunk, latents in enumerate(pieces):
        start = chunk * chunk_frames
        writer.write(encoded.song, chunk=chunk, start_frame=start, latents=latents)
        sounding = encoded.sounding[:, start : start + latents.shape[-1]]
        moments = moments.merge(LatentMoments.of(latents, sounding))
    return len(pieces), moments


def _taken(song: Song, encoded: EncodedSong, num_chunks: int) -> SongReport:
    heard = encoded.sounding.any(dim=1).tolist()
    gains = zip(encoded.song.gains_db, heard, strict=True)
    return SongReport(
        song_id=song.song_id,
        split=song.split,
        licence=song.licence,
        duration_s=encoded.duration_s,
        num_chunks=num_chunks,
        gains_db=tuple(gain_db if sounds else None for gain_db, sounds in gains),
    )


def _rejected(song: Song, reason: str) -> SongReport:
    return SongReport(song_id=song.song_id, split=song.split, licence=song.licence, reason=reason)


def _numbers(moments: LatentMoments) -> dict[str, list[float]]:
    return {name: getattr(moments, name).tolist() for name in ("count", "mean", "m2")}


def _file_state(path: str) -> tuple[str, int, int] | str:
    try:
        state = Path(path).stat()
    except OSError:
        return path
    return path, state.st_size, state.st_mtime_ns

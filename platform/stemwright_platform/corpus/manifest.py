"""The manifest: a Parquet file with a row a song, the one thing that every importer makes."""

import hashlib
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

import pyarrow as pa
import pyarrow.parquet as pq

from stemwright.data_folder import DataFolder
from stemwright.errors import InputError
from stemwright.prompts import SongMetadata
from stemwright.tracks import TRACKS, Tracks

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)

TEST_FRACTION = 0.2

STRINGS = pa.list_(pa.string())
SCHEMA = pa.schema(
    [
        ("song_id", pa.string()),
        ("split", pa.string()),
        ("duration_s", pa.float64()),
        ("sample_rate_hz", pa.int64()),
        ("tracks", pa.map_(pa.string(), STRINGS)),
        ("mix_path", pa.string()),
        ("genres", STRINGS),
        ("instruments", STRINGS),
        ("moods", STRINGS),
        ("tempo_bpm", pa.float64()),
        ("key", pa.string()),
        ("downbeats_s", pa.list_(pa.float64())),
        ("keywords", STRINGS),
        ("themes", STRINGS),
        ("source", pa.string()),
        ("licence", pa.string()),
        ("estimated", STRINGS),
        ("notes", STRINGS),
    ]
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Song:
    """A song of the corpus."""

    song_id: str
    """Unique in the corpus."""
    split: Split
    """Which songs train, which choose the best checkpoint, which are held out to the end."""
    duration_s: float
    """Of the longest track."""
    sample_rate_hz: int
    """Of the files, before any resampling."""
    tracks: Mapping[str, tuple[str, ...] | None]
    """Track name → absolute paths or URIs of its audio, which are summed; () where the track is known to be
    silent all through the song; None or left out where the song lacks the track."""
    mix_path: str | None = None
    """The mix as recorded, where there is one."""
    metadata: SongMetadata = field(default_factory=SongMetadata)
    """What prompts are made from."""
    downbeats_s: tuple[float, ...] = ()
    """First beats of the bars; empty where unknown."""
    source: str = "unknown"
    """Where the song comes from."""
    licence: str = "unknown"
    """Terms of use, as a name or an SPDX expression."""
    estimated: tuple[str, ...] = ()
    """Names of the fields that were estimated from the audio, as "tempo_bpm"."""
    notes: tuple[str, ...] = ()
    """What the importer found worth telling, a line each: stems of unequal length, say."""

    def __post_init__(self) -> None:
        if self.split not in SPLITS:
            raise InputError(
                f"song '{self.song_id}': split must be one of {', '.join(SPLITS)}, got '{self.split}'"
            )
        if not any(self.tracks.values()):
            raise InputError(f"song '{self.song_id}' has no track: give it at least one audio file")


def split_of(song_id: str) -> Split:
    """The split of a song by a stable hash of its name: 80 % train, 20 % test."""
    return "test" if _position(song_id) >= 1 - TEST_FRACTION else "train"


def with_both_splits(songs: Sequence[Song]) -> list[Song]:
    """The songs, in order, with a song to train on and one to test wherever there are two or more.

    Where the hash leaves a split empty, the song closest to it by its hash moves there.
    """
    if len(songs) < 2 or {song.split for song in songs} == {"train", "test"}:
        return list(songs)
    empty: Split = "test" if songs[0].split == "train" else "train"
    closest = max if empty == "test" else min
    moved = closest(songs, key=lambda song: _position(song.song_id))
    return [replace(song, split=empty) if song is moved else song for song in songs]


def tracks_of(songs: Iterable[Song]) -> Tracks:
    """The slots of a corpus: the usual four, or its own in order of appearance where it has any other."""
    names = tuple(dict.fromkeys(name for song in songs for name in song.tracks))
    return TRACKS if set(names) <= set(TRACKS.names) else Tracks(names=names, prompt_names=names)


def write_manifest(path: str | os.PathLike[str], songs: Iterable[Song]) -> None:
    """Write the manifest, to a path or a URL, whole or not at all; paths below its folder become relative."""
    folder, name = _place(path)
    rows = [_row(song, folder) for song in songs]
    _refuse_repeats([row["song_id"] for row in rows], os.fspath(path))
    content = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), content)
    store = DataFolder(folder)
    store.make()
    store.write(name, content.getvalue())


def read_manifest(path: str | os.PathLike[str]) -> list[Song]:
    """The songs of a manifest, paths resolved. InputError where it is missing, foreign or empty."""
    folder, name = _place(path)
    try:
        table = pq.read_table(pa.BufferReader(DataFolder(folder).read(name)))
    except (FileNotFoundError, IsADirectoryError):
        raise InputError(
            f"no manifest at {path}: make one with `stemwright corpus demo` or `corpus import`"
        ) from None
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path} is not a Parquet manifest: {str(error).splitlines()[0]}") from None
    if missing := [name for name in SCHEMA.names if name not in table.column_names]:
        raise InputError(f"manifest {path} lacks the columns {', '.join(missing)}: import the corpus again")
    if not table.num_rows:
        raise InputError(f"manifest {path} holds no songs")
    try:
        rows = table.select(SCHEMA.names).cast(SCHEMA).to_pylist()
    except pa.ArrowException as error:
        raise InputError(f"manifest {path} has a column of the wrong type: {error}") from None
    return [_song(row, folder) for row in rows]


def _place(path: str | os.PathLike[str]) -> tuple[str, str]:
    """The folder of a manifest, absolute, and its name there."""
    text = os.fspath(path)
    folder, _, name = (text if "://" in text else os.path.abspath(text)).rpartition("/")
    return folder or "/", name


def _position(song_id: str) -> float:
    """A song's place in 0…1, the same on every machine."""
    return int.from_bytes(hashlib.sha256(song_id.encode()).digest()[:8]) / 2**64


def _row(song: Song, folder: str) -> dict[str, Any]:
    known = song.metadata
    return {
        "song_id": song.song_id,
        "split": song.split,
        "duration_s": song.duration_s,
        "sample_rate_hz": song.sample_rate_hz,
        "tracks": [
            (name, None if paths is None else [_stored(path, folder) for path in paths])
            for name, paths in song.tracks.items()
        ],
        "mix_path": song.mix_path and _stored(song.mix_path, folder),
        "genres": known.genres,
        "instruments": known.instruments,
        "moods": known.moods,
        "tempo_bpm": known.tempo_bpm,
        "key": known.key,
        "downbeats_s": song.downbeats_s,
        "keywords": known.keywords,
        "themes": known.themes,
        "source": song.source,
        "licence": song.licence,
        "estimated": song.estimated,
        "notes": song.notes,
    }


def _song(row: dict[str, Any], folder: str) -> Song:
    return Song(
        song_id=row["song_id"],
        split=row["split"],
        duration_s=row["duration_s"],
        sample_rate_hz=row["sample_rate_hz"],
        tracks={
            name: None if paths is None else tuple(_resolved(path, folder) for path in paths)
            for name, paths in row["tracks"] or ()
        },
        mix_path=row["mix_path"] and _resolved(row["mix_path"], folder),
        metadata=SongMetadata.from_fields(row),
        downbeats_s=tuple(row["downbeats_s"] or ()),
        source=row["source"] or "unknown",
        licence=row["licence"] or "unknown",
        estimated=tuple(row["estimated"] or ()),
        notes=tuple(row["notes"] or ()),
    )


def _stored(path: str, folder: str) -> str:
    whole = path if "://" in path else os.path.abspath(path)
    return whole.removeprefix(f"{folder}/")


def _resolved(path: str, folder: str) -> str:
    return path if "://" in path or os.path.isabs(path) else f"{folder}/{path}"


def _refuse_repeats(song_ids: list[str], path: str) -> None:
    seen: set[str] = set()
    for song_id in song_ids:
        if song_id in seen:
            raise InputError(f"{path}: song_id '{song_id}' occurs twice; song names must be unique")
        seen.add(song_id)

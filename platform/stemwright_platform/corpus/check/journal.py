"""What was measured already, kept beside the results, so that a second check reads only what has changed."""

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import fsspec

from stemwright_platform.corpus.check.measurement import SongMeasure
from stemwright_platform.corpus.manifest import Song

FILE_NAME = "measures.jsonl"
VERSION = 1
"""Of the measuring: another one measures everything anew."""


class Journal:
    """Lines of JSON, one a song, appended as songs are done; a line that was cut by a crash is ignored."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / FILE_NAME
        self._measures = dict(_entries(self._path))
        self._end_last_line()

    def get(self, key: str) -> SongMeasure | None:
        """What was measured under a key."""
        return self._measures.get(key)

    def add(self, key: str, measure: SongMeasure) -> None:
        """Keep a song's measure, at once."""
        self._measures[key] = measure
        with self._path.open("a", encoding="utf-8") as file:
            file.write(_line(key, measure))

    def keep_only(self, keys: Iterable[str]) -> None:
        """Forget songs and files that are no more."""
        wanted = {key: self._measures[key] for key in keys if key in self._measures}
        if len(wanted) == len(self._measures):
            return
        self._measures = wanted
        partial = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        with partial.open("w", encoding="utf-8") as file:
            file.writelines(_line(key, measure) for key, measure in wanted.items())
        partial.replace(self._path)

    def _end_last_line(self) -> None:
        if self._path.exists() and self._path.read_bytes()[-1:] not in (b"", b"\n"):
            with self._path.open("a", encoding="utf-8") as file:
                file.write("\n")


def key_of(song: Song) -> str:
    """Changes with the song's files, their sizes and times, and with the way of measuring."""
    tracks = {name: [_stamp(path) for path in paths] for name, paths in song.tracks.items() if paths}
    mix = _stamp(song.mix_path) if song.mix_path else None
    facts = [VERSION, song.song_id, sorted(tracks.items()), mix]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]


def _stamp(path: str) -> list[str]:
    """A file's path, size and time, as far as its store tells them."""
    try:
        if "://" not in path:
            status = os.stat(path)
            return [path, str(status.st_size), str(status.st_mtime_ns)]
        system, inner = fsspec.url_to_fs(path)
        info: dict[str, Any] = system.info(inner)
        times = [
            str(info[name]) for name in ("ETag", "mtime", "LastModified", "last_modified") if name in info
        ]
        return [path, str(info.get("size")), *times]
    except OSError:
        return [path, "missing"]


def _line(key: str, measure: SongMeasure) -> str:
    return json.dumps({"key": key, "measure": measure.to_json()}, separators=(",", ":")) + "\n"


def _entries(path: Path) -> Iterable[tuple[str, SongMeasure]]:
    if not path.exists():
        return
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            try:
                entry = json.loads(line)
                yield entry["key"], SongMeasure.from_json(entry["measure"])
            except (ValueError, KeyError, TypeError):
                continue

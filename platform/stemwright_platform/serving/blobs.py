"""Audio as blobs in a folder or an object store (through fsspec)."""

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem


class BlobStore:
    """Blobs by key. A blob is there wholly or not at all: write it first, then the row that names it."""

    def __init__(self, url: str) -> None:
        """`url`: a folder or any fsspec address, as s3://bucket/stemwright. The folder is made."""
        self._fs, self._root = fsspec.url_to_fs(url)
        self._fs.makedirs(self._root, exist_ok=True)

    def put(self, key: str, data: bytes) -> None:
        """Write a blob durably. OSError (a full disk) leaves nothing behind."""
        path = self._path(key)
        if not isinstance(self._fs, LocalFileSystem):
            self._fs.pipe_file(path, data)  # object stores show an object only once it is whole
            return
        _write_durably(Path(path), data)

    def get(self, key: str) -> bytes:
        """The blob's bytes; FileNotFoundError where there is none."""
        return bytes(self._fs.cat_file(self._path(key)))

    def delete(self, key: str) -> None:
        """Remove a blob; one that is gone already is no error."""
        with suppress(FileNotFoundError):
            self._fs.rm_file(self._path(key))

    def keys(self, *, before: float | None = None) -> list[str]:
        """Every key there is, or those that were written before a time in seconds since 1970."""
        self._fs.invalidate_cache()  # other processes write and delete too
        found = self._fs.find(self._root, detail=True)
        return sorted(
            os.path.relpath(path, self._root)
            for path, facts in found.items()
            if before is None or _written_at(facts) < before
        )

    def _path(self, key: str) -> str:
        return f"{self._root}/{key}"


def _written_at(facts: Mapping[str, Any]) -> float:
    """From what a file system says of a file: each has its own word and kind of time."""
    at = next(facts[name] for name in ("LastModified", "mtime", "created") if name in facts)
    return at.timestamp() if isinstance(at, datetime) else float(at)


def _write_durably(path: Path, data: bytes) -> None:
    """Temp, fsync, rename, fsync the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)

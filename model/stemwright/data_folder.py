"""A folder of a data set on this machine or in an object store: any path or URL that fsspec knows."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from fsspec import AbstractFileSystem
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from stemwright.errors import InputError


class DataFolder:
    """Files by name; each appears whole or not at all. Pickles; opens no connection before it is used."""

    def __init__(self, url: str | os.PathLike[str]) -> None:
        """`url`: a path, or as "s3://bucket/folder". Raises InputError for a kind of URL that is unknown."""
        self.url = os.fspath(url).rstrip("/") or "/"
        try:
            root = url_to_fs(self.url)[1]
        except (ValueError, ImportError) as error:
            raise InputError(f"{self.url}: cannot be reached ({error}); use a path or an s3:// URL") from None
        self._root = str(root).rstrip("/")

    @property
    def _files(self) -> AbstractFileSystem:
        # fsspec keeps one a process and makes another after a fork, where the old one would not work
        return url_to_fs(self.url)[0]

    @classmethod
    def of(cls, folder: "str | os.PathLike[str] | DataFolder") -> "DataFolder":
        """The folder itself, or that of a path or URL."""
        return folder if isinstance(folder, DataFolder) else cls(folder)

    def __str__(self) -> str:
        return self.url

    def __truediv__(self, name: str) -> str:
        """The path or URL of a file, for a message."""
        return f"{self.url}/{name}"

    @property
    def local(self) -> Path | None:
        """The folder as a path; None where it is in a store."""
        return Path(self._root) if isinstance(self._files, LocalFileSystem) else None

    def make(self) -> None:
        """Make the folder where it is not there."""
        self._files.makedirs(self._root, exist_ok=True)

    def names(self) -> set[str]:
        """Names of the files; none where there is no folder."""
        try:
            self._files.invalidate_cache()
            paths = self._files.ls(self._root, detail=False)
        except FileNotFoundError:
            return set()
        return {str(path).rstrip("/").rpartition("/")[2] for path in paths}

    def open(self, name: str) -> IO[bytes]:
        """A file to read from at any place. Raises FileNotFoundError."""
        file: Any = self._files.open(f"{self._root}/{name}", "rb")
        return file

    def read(self, name: str) -> bytes:
        """A whole file. Raises FileNotFoundError."""
        content: Any = self._files.cat_file(f"{self._root}/{name}")
        return content

    def read_ranges(self, ranges: Sequence[tuple[str, int, int | None]]) -> list[bytes]:
        """Parts of files, `(name, start, end)` each, by several requests at a time. Raises FileNotFoundError.

        (name, -n, None) is the last n bytes, or all where there are fewer.
        """
        if not ranges:
            return []
        names, starts, ends = zip(*ranges, strict=True)
        paths = [f"{self._root}/{name}" for name in names]
        return self._files.cat_ranges(paths, list(starts), list(ends), on_error="raise")

    @contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """A local path to write to; what is there when the block ends becomes the file `name`.

        An error in the block leaves things as they were.
        """
        handle, temporary = tempfile.mkstemp(prefix=f".{name}.", suffix=".tmp", dir=self.local)
        os.close(handle)
        path = Path(temporary)
        try:
            yield path
            path.chmod(0o644)  # other workers and users read it too
            if self.local:
                os.replace(path, self.local / name)
            else:
                self._files.put_file(str(path), f"{self._root}/{name}")
        finally:
            path.unlink(missing_ok=True)

    def write(self, name: str, content: bytes) -> None:
        """A whole file."""
        with self.writing(name) as path:
            path.write_bytes(content)

    def remove(self, name: str) -> None:
        """Delete a file, if it is there."""
        with suppress(FileNotFoundError):
            self._files.rm_file(f"{self._root}/{name}")

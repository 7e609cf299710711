import errno
import os
from pathlib import Path

import pytest

from stemwright_platform.serving.blobs import BlobStore


def test_a_blob_comes_back_until_it_is_deleted(tmp_path: Path):
    blobs = BlobStore(str(tmp_path / "made" / "here"))
    blobs.put("a/b.wav", b"one")
    blobs.put("a/b.wav", b"two")
    assert blobs.get("a/b.wav") == b"two"
    assert blobs.keys() == ["a/b.wav"]
    blobs.delete("a/b.wav")
    blobs.delete("a/b.wav")
    with pytest.raises(FileNotFoundError):
        blobs.get("a/b.wav")


def test_a_full_disk_leaves_neither_blob_nor_scrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    blobs = BlobStore(str(tmp_path))
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        blobs.put("a.wav", b"data")
    assert blobs.keys() == []


def test_any_fsspec_address_will_do():
    blobs = BlobStore("memory://stems")
    blobs.put("a/b.wav", b"one")
    assert blobs.get("a/b.wav") == b"one"
    blobs.delete("a/b.wav")
    assert blobs.keys() == []

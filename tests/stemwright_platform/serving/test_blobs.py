import errno
import os
import time
from pathlib import Path

import pytest

from stemwright_platform.serving.blobs import BlobStore


@pytest.fixture(params=["folder", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A place that is not there yet."""
    if request.param == "folder":
        return str(tmp_path / "made" / "here")
    return f"{request.getfixturevalue('s3_bucket')}/made/here"


def test_a_blob_comes_back_until_it_is_deleted(url: str):
    blobs = BlobStore(url)
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


def test_keys_are_told_by_when_they_were_written_and_seen_by_other_processes(url: str):
    blobs, others = BlobStore(url), BlobStore(url)
    assert others.keys() == []
    blobs.put("a/b.wav", b"one")
    now = time.time()
    assert others.keys() == others.keys(before=now + 60) == ["a/b.wav"]
    assert others.keys(before=now - 60) == []
    blobs.delete("a/b.wav")
    assert others.keys() == []


def test_any_fsspec_address_will_do():
    blobs = BlobStore("memory://stems")
    blobs.put("a/b.wav", b"one")
    assert blobs.get("a/b.wav") == b"one"
    blobs.delete("a/b.wav")
    assert blobs.keys() == []

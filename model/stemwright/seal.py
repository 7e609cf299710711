"""Sizes and digests of a checkpoint's files: what a power cut or a bad disk did shows before it is loaded."""

import hashlib
import json
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

SEAL = "files.json"


def seal(folder: Path, names: Iterable[str]) -> None:
    """Bring files to the disk and write down what they are. OSError where the disk does not take them."""
    names = list(names)
    # a file's digest is made while the disk still writes it
    with ThreadPoolExecutor(2 * len(names)) as pool:
        synced = [pool.submit(sync, folder / name) for name in names]
        entries = dict(zip(names, pool.map(lambda name: _entry(folder / name), names), strict=True))
        for future in synced:
            future.result()
    (folder / SEAL).write_text(json.dumps(entries, indent=1) + "\n")


def sealed_digests(folder: Path) -> dict[str, str]:
    """SHA-256 of each file as it was written, by name. ValueError where that cannot be read."""
    try:
        return {name: entry["sha256"] for name, entry in json.loads((folder / SEAL).read_bytes()).items()}
    except (OSError, ValueError, AttributeError, KeyError, TypeError):
        raise ValueError(f"{SEAL} cannot be read") from None


def broken_seal(folder: Path, names: Iterable[str] | None = None) -> str | None:
    """What is not as it was written, as "model.safetensors has 20 bytes, not 800"; None where all is.

    `names`: the files to look at; all by default.
    """
    try:
        entries = json.loads((folder / SEAL).read_bytes())
        checks = [(name, entries[name]["bytes"], entries[name]["sha256"]) for name in names or entries]
    except (OSError, ValueError, KeyError, TypeError):
        return f"{SEAL} cannot be read"
    return next((found for check in checks if (found := _damage(folder, *check))), None)


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Bring a file or the names in a folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _entry(path: Path) -> dict[str, Any]:
    return {"bytes": path.stat().st_size, "sha256": digest(path)}


def _damage(folder: Path, name: str, size: int, sha256: str) -> str | None:
    path = folder / name
    if not path.is_file():
        return f"{name} is missing"
    if (found := path.stat().st_size) != size:
        return f"{name} has {found:,} bytes, not {size:,}"
    return None if digest(path) == sha256 else f"{name} is not as it was written"

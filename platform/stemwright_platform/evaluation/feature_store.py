"""Features of signals, kept by content: the same sound is heard once, whoever asks and under any name."""

import hashlib
import os
import tempfile
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from stemwright.metrics.feature import Arrays, Feature

DIGITS = 20
"""Of a digest in a file's name: far beyond chance, and short enough to read."""


class FeatureStore:
    """A folder that any number of processes read and write; every file in it appears whole. Pickles."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = Path(folder)

    def get(self, digest: str, feature: Feature) -> Arrays | None:
        """What a feature found in a sound; None where it was never asked."""
        try:
            return load_file(self._path(digest, feature))
        except (OSError, SafetensorError):  # a file that a crash left broken is as good as none
            return None

    def put(self, digest: str, feature: Feature, arrays: Arrays) -> None:
        path = self._path(digest, feature)
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(save({name: np.ascontiguousarray(array) for name, array in arrays.items()}))
            os.replace(partial, path)
        except BaseException:
            Path(partial).unlink(missing_ok=True)
            raise

    def _path(self, digest: str, feature: Feature) -> Path:
        kind = f"{feature.name}-{hashlib.sha256(feature.fingerprint.encode()).hexdigest()[:DIGITS]}"
        return self._folder / kind / digest[:2] / f"{digest[:DIGITS]}.safetensors"


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

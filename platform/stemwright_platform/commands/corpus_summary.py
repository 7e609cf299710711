"""The last line of the commands that make a manifest."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stemwright_platform.corpus.manifest import Song


def summary(manifest: str | Path, songs: "Sequence[Song]") -> str:
    """As "manifest.parquet: 24 songs (20 train, 4 test), 0.20 h"."""
    counts = Counter(song.split for song in songs)
    splits = ("train", "validation", "test") if counts["validation"] else ("train", "test")
    parts = ", ".join(f"{counts[split]} {split}" for split in splits)
    hours = sum(song.duration_s for song in songs) / 3600
    return f"{manifest}: {len(songs)} songs ({parts}), {hours:.2f} h"

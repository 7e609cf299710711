from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stemwright.prompts import SongMetadata
from stemwright.tracks import TRACKS
from stemwright_platform.corpus.manifest import Song


def tone(
    path: Path, duration_s: float, *, rate_hz: int = 48000, channels: int = 2, level: float = 0.1
) -> Path:
    """A file with a buzzing tone, other for each name."""
    time = np.arange(max(1, round(duration_s * rate_hz))) / rate_hz
    rng = np.random.default_rng(len(path.stem))
    wave = np.sin(2 * np.pi * 110 * len(path.stem) * time) + 0.1 * rng.standard_normal(len(time))
    soundfile.write(path, np.stack([level * wave, 0.7 * level * wave][:channels], axis=1), rate_hz)
    return path


@pytest.fixture
def make_song(tmp_path: Path) -> Callable[..., Song]:
    """A song of tones, as `make_song("a", 2.5, split="test", bass=some_path, melody=None)`."""

    def make(song_id: str, duration_s: float = 2.0, *, split: str = "train", **stems: Path | None) -> Song:
        folder = tmp_path / "songs" / song_id
        folder.mkdir(parents=True)
        paths = {
            name: stems[name] if name in stems else tone(folder / f"{name}.wav", duration_s)
            for name in TRACKS.names
        }
        return Song(
            song_id=song_id,
            split=split,  # pyright: ignore[reportArgumentType]
            duration_s=duration_s,
            sample_rate_hz=48000,
            tracks={name: None if path is None else (str(path),) for name, path in paths.items()},
            metadata=SongMetadata(genres=("blues",), tempo_bpm=90.0),
            licence="CC0-1.0",
        )

    return make

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from stemwright_platform.corpus.check.measurement import MIX
from stemwright_platform.corpus.demo_corpus import make_demo_corpus
from stemwright_platform.corpus.manifest import Song, read_manifest

Audio = NDArray[np.float32]
NUM_GENRES = 13


@pytest.fixture(scope="session")
def clean_songs(tmp_path_factory: pytest.TempPathFactory) -> list[Song]:
    """A song of each genre of the demo corpus."""
    return read_manifest(make_demo_corpus(tmp_path_factory.mktemp("clean"), NUM_GENRES, duration_s=6))


@pytest.fixture
def own_song(tmp_path: Path, clean_songs: list[Song]) -> Callable[..., Song]:
    """A copy of one of the clean songs to spoil, as `own_song(3, "name", split="test")`."""

    def copy(number: int = 0, song_id: str | None = None, **changes: object) -> Song:
        song = clean_songs[number]
        home = tmp_path / "own" / (song_id or song.song_id)
        shutil.copytree(Path(str(song.mix_path)).parent, home)
        return replace(
            song,
            song_id=song_id or song.song_id,
            tracks={name: paths and (str(home / f"{name}.flac"),) for name, paths in song.tracks.items()},
            mix_path=str(home / "mix.flac"),
            **changes,  # pyright: ignore[reportArgumentType]
        )

    return copy


@pytest.fixture
def spoil() -> Callable[..., None]:
    """Rewrites a track's file, as `spoil(song, "bass", lambda audio: 0 * audio)`; audio is `[n, 2]`."""

    def rewrite(song: Song, track: str, change: Callable[[Audio], Audio], rate_hz: int = 48_000) -> None:
        path = file_of(song, track)
        audio, _ = soundfile.read(path, dtype="float32", always_2d=True)
        soundfile.write(path, change(audio), rate_hz, subtype="PCM_16")

    return rewrite


def file_of(song: Song, track: str) -> Path:
    """The one file of a track, or of the mix."""
    paths = song.tracks.get(track) or ()
    return Path(str(song.mix_path) if track == MIX else paths[0])

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stemwright.prompts import SongMetadata
from stemwright_platform.corpus.estimates import with_estimates
from stemwright_platform.corpus.manifest import Song

RATE_HZ = 22050
TEMPO_BPM = 120.0
CHORDS = ((48, 52, 55), (53, 57, 60), (55, 59, 62), (48, 52, 55))


def stems(beats: int) -> dict[str, np.ndarray]:
    """A kick on every beat, and a cadence in C major, a chord a bar."""
    time = np.arange(round(60 / TEMPO_BPM * RATE_HZ)) / RATE_HZ
    kick = np.sin(2 * np.pi * 60 * time) * np.exp(-time * 30)
    tones = [
        sum(np.sin(2 * np.pi * 440 * 2 ** ((note - 69) / 12) * time) for note in chord)
        * np.exp(-time * 2)
        / 10
        for chord in CHORDS
    ]
    return {
        "drums": np.tile(kick, beats),
        "instrument": np.concatenate([tones[number // 4 % len(CHORDS)] for number in range(beats)]),
    }


@pytest.fixture
def played(tmp_path: Path) -> Callable[..., Song]:
    """A song of some of the stems, as `played("drums", "instrument", level=1.0)`."""

    def write(*names: str, level: float = 0.5, beats: int = 24) -> Song:
        audio = stems(beats)
        for name in names:
            soundfile.write(tmp_path / f"{name}.flac", level * audio[name], RATE_HZ)
        return Song(
            song_id="one",
            split="train",
            duration_s=beats * 60 / TEMPO_BPM,
            sample_rate_hz=RATE_HZ,
            tracks={
                "bass": (),
                "melody": None,
                **{name: (str(tmp_path / f"{name}.flac"),) for name in names},
            },
        )

    return write


def test_tempo_key_and_downbeats_are_estimated_and_marked(played: Callable[..., Song]) -> None:
    song = with_estimates(played("drums", "instrument"))
    assert song.metadata.tempo_bpm == pytest.approx(TEMPO_BPM, rel=0.01)
    assert song.metadata.key == "C major"
    assert np.diff(song.downbeats_s) == pytest.approx(2.0, abs=0.05)
    assert set(song.estimated) == {"tempo_bpm", "key", "downbeats_s"}


def test_what_is_known_is_never_changed(played: Callable[..., Song]) -> None:
    known = replace(
        played("drums", "instrument"),
        metadata=SongMetadata(tempo_bpm=60.0, key="F# minor"),
        downbeats_s=(1.0, 5.0),
    )
    assert with_estimates(known) == known


def test_drums_alone_have_a_tempo_and_no_key(played: Callable[..., Song]) -> None:
    song = with_estimates(played("drums"))
    assert song.metadata.tempo_bpm == pytest.approx(TEMPO_BPM, rel=0.01)
    assert song.metadata.key is None
    assert "key" not in song.estimated


def test_silence_and_a_moment_tell_nothing(played: Callable[..., Song]) -> None:
    silent = played("drums", "instrument", level=0.0)
    assert with_estimates(silent) == silent
    moment = played("instrument", beats=2)
    assert with_estimates(moment) == moment


def test_a_song_that_cannot_be_read_says_so_once_in_its_notes(played: Callable[..., Song]) -> None:
    song = played("drums")
    (path,) = song.tracks["drums"] or ()
    Path(path).write_text("no audio")
    noted = with_estimates(song)
    assert noted == replace(song, notes=noted.notes)
    assert "drums.flac" in noted.notes[0]
    assert with_estimates(noted) == noted

"""A General MIDI sound font that renders single notes.

symusic 0.5.8 ignores velocity, pan and volume and stops a note within a millisecond of its end, so
it renders each note on its own; loudness, release and place in time are ours (`rendering`).
"""

import importlib.util
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from symusic import Note, Score, Synthesizer, Tempo, Track

from stemwright.errors import InputError

SAMPLE_RATE_HZ = 48000
RELEASE_S = 0.08
"""How long a note fades after its end."""
DEFAULT_FONT = "TimGM6mb.sf2"
_TICKS_PER_S = 1000
_INTERPOLATION = 4
"""The renderer's quality: cubic; 7 renders silence."""


class SoundFont:
    """A sound font in memory; loading costs milliseconds, decoding an .sf3 half a second."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise InputError(f"no sound font at {path}: give an .sf2 or .sf3 file with --soundfont")
        if self.path.read_bytes()[:4] != b"RIFF":
            raise InputError(f"{path} is not a sound font: give an .sf2 or .sf3 file with --soundfont")
        self._synthesizer = Synthesizer(str(self.path), SAMPLE_RATE_HZ, _INTERPOLATION)
        self._drums: dict[tuple[int, int, int], NDArray[np.float32]] = {}

    def note(self, program: int, is_drum: bool, pitch: int, length_s: float) -> NDArray[np.float32]:
        """One note with its release, float32 `[2, n]`; drum hits are kept, for they come again and again."""
        length_ms = max(round(length_s * _TICKS_PER_S), 10)
        if not is_drum:
            return self._render(program, False, pitch, length_ms)
        key = (program, pitch, length_ms)
        if key not in self._drums:
            self._drums[key] = self._render(program, True, pitch, length_ms)
        return self._drums[key]

    def _render(self, program: int, is_drum: bool, pitch: int, length_ms: int) -> NDArray[np.float32]:
        # Any: symusic's stubs give the union of its three units of time.
        score: Any = Score(_TICKS_PER_S)
        score.tempos.append(Tempo(0, 60.0))
        track: Any = Track(program=program, is_drum=is_drum)
        track.notes.append(Note(0, length_ms + int(RELEASE_S * _TICKS_PER_S), pitch, 100))
        score.tracks.append(track)
        audio = np.asarray(self._synthesizer.render(score, stereo=True), dtype=np.float32)
        held, whole = (int(s * SAMPLE_RATE_HZ) for s in (length_ms / 1000, length_ms / 1000 + RELEASE_S))
        audio = np.ascontiguousarray(audio[:, :whole])
        fade = np.linspace(0, np.pi / 2, max(audio.shape[1] - held, 0), dtype=np.float32)
        audio[:, held:] *= np.cos(fade) ** 2
        return audio[:, : _last_sounding(audio)]


@lru_cache(maxsize=1)
def load_sound_font(path: Path) -> SoundFont:
    """The sound font at a path, loaded once a process."""
    return SoundFont(path)


def default_sound_font() -> Path:
    """The small sound font that pretty_midi carries (GPL-2: rendered with, never shipped)."""
    spec = importlib.util.find_spec("pretty_midi")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        if (path := Path(folder) / DEFAULT_FONT).is_file():
            return path
    raise InputError(f"{DEFAULT_FONT} not found: install pretty_midi, or give a sound font with --soundfont")


def _last_sounding(audio: NDArray[np.float32]) -> int:
    """Samples up to the last one above −80 dB of full scale."""
    loud = np.flatnonzero(np.maximum(np.abs(audio[0]), np.abs(audio[1])) > 1e-4)
    return int(loud[-1]) + 1 if len(loud) else 0

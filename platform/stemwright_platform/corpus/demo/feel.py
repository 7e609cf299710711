"""How players play what is written: swung, a little before or behind the beat, never twice as loud."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stemwright_platform.corpus.demo.drums import VOICES
from stemwright_platform.corpus.demo.genre import Genre
from stemwright_platform.corpus.demo.note import Note

MOST_S = 0.015
"""No note is farther from its place."""
DRIFT = 0.9
"""Part of a note's deviation that the next one keeps: players drift, they do not throw dice."""
HABITS_MS: dict[str, tuple[float, float]] = {
    "bass": (0.0, 7.0),
    "drums": (-1.5, 1.5),
    "hats": (-5.0, 0.0),
    "snare": (0.0, 5.0),
    "instrument": (-3.0, 5.0),
    "melody": (0.0, 8.0),
}
"""Player → how early or late players of loose genres are on average, least and most."""
LOOSE_MS = 7.0
"""Looseness of a genre whose players use those ranges whole."""
_HATS = {VOICES[voice] for voice in ("hat", "open hat", "pedal hat", "ride", "bell", "shaker", "cabasa")}
_SNARES = {VOICES[voice] for voice in ("snare", "rim", "clap")}


@dataclass(frozen=True, kw_only=True, slots=True)
class Feel:
    """The timing of one song's players."""

    swing: float
    """Delay of every second step, in steps."""
    offsets_s: dict[str, float]
    """Player of HABITS_MS → how late on average."""
    looseness_s: float
    """Standard deviation around that."""


def draw_feel(genre: Genre, rng: np.random.Generator) -> Feel:
    """The feel of one song of the genre."""
    share = min(genre.looseness_ms / LOOSE_MS, 1.0)
    return Feel(
        swing=float(rng.uniform(*genre.swing)),
        offsets_s={player: share * float(rng.uniform(*ends)) / 1000 for player, ends in HABITS_MS.items()},
        looseness_s=genre.looseness_ms / 1000,
    )


def played(
    notes: Sequence[Note], track: str, feel: Feel, genre: Genre, tempo_bpm: int, rng: np.random.Generator
) -> list[Note]:
    """A track's written notes as its player plays them, in order."""
    if not notes:
        return []
    notes = sorted(notes)
    written = np.array([note.start for note in notes])
    steps = written * genre.steps_per_beat
    near = np.round(steps)
    swung = (near % 2 == 1) & (np.abs(steps - near) < 0.1)
    late_s = np.array([feel.offsets_s[_player(track, note)] for note in notes])
    late_s += feel.looseness_s * _wander(written, rng)
    start = written + np.where(swung, feel.swing / genre.steps_per_beat, 0.0)
    start += np.clip(late_s, -MOST_S, MOST_S) * tempo_bpm / 60
    velocity = (
        np.array([note.velocity for note in notes]) + _accents(written) + rng.normal(0, 3.5, len(notes))
    )
    velocity = np.clip(velocity, 1, 127).astype(int)
    return [
        note._replace(start=float(at), velocity=int(force))
        for note, at, force in zip(notes, start, velocity, strict=True)
    ]


def _player(track: str, note: Note) -> str:
    if track != "drums":
        return track
    return "hats" if note.pitch in _HATS else "snare" if note.pitch in _SNARES else "drums"


def _wander(written: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Deviations `[n]` of standard deviation about 1: a slow drift that chords share, and each note's own."""
    moments, index = np.unique(np.round(written, 3), return_inverse=True)
    steps = rng.normal(0, np.sqrt(1 - DRIFT**2), len(moments))
    drift = np.empty(len(moments))
    now = float(rng.normal())
    for place, step in enumerate(steps):
        now = DRIFT * now + step
        drift[place] = now
    return 0.75 * drift[index] + 0.5 * rng.normal(0, 1, len(written))


def _accents(written: np.ndarray) -> np.ndarray:
    """Velocity by metre: beats a little louder than what lies between them."""
    fraction = np.abs(written - np.round(written))
    return np.where(fraction < 0.05, 3.0, np.where(np.abs(fraction - 0.5) < 0.05, 0.0, -4.0))

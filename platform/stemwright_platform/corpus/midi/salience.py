"""How much a part stands out as the melody.

A weighted sum of what studies of melody in MIDI files found to tell it from accompaniment: occupation,
polyphony, pitch range and mean pitch (Rizo et al. 2006), being on top (the skyline of Uitdenbogerd and Zobel
1998), variety (Madsen and Widmer 2007), note density and loudness (Jiang and Dannenberg 2019), with what the
track's name and its program say. The weights are ours.
"""

import re
from dataclasses import dataclass

import numpy as np

from stemwright_platform.corpus.midi.programs import EFFECTS, LEADS, PADS, SYNTH_LEADS
from stemwright_platform.corpus.midi.score import Part
from stemwright_platform.corpus.midi.texture import FRAME_S, Texture, variety

MIN_SALIENCE = 0.56
"""Below it a song has no melody."""
MIN_NOTES, MIN_SOUNDING_S, MIN_OCCUPATION, MIN_LINEARITY = 12, 4.0, 0.05, 0.6
"""What a line needs to be one."""
MIN_PITCH, MIN_HIDDEN_PITCH, MIN_ON_TOP = 48, 60, 0.2
"""Median pitch of a melody, unless its name says that it is one: C3 or above, under others C4 or above."""
WEIGHTS = {
    "linearity": 0.18,
    "on top": 0.2,
    "register": 0.12,
    "density": 0.12,
    "variety": 0.16,
    "loudness": 0.07,
    "occupation": 0.07,
    "program": 0.08,
}
NAMED = 0.3
"""What a name such as "melody" adds, and one such as "chords" takes."""
_MELODY_WORDS = re.compile(r"melod|\bmel\b|lead|vocal|\bvox\b|voice|sing|solo|theme|tune", re.IGNORECASE)
_OTHER_WORDS = re.compile(r"chord|rhythm|\bpad|comp|arp|accomp|back|harmon[iy]|fill|\bfx\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Salience:
    """A part's rating."""

    total: float
    """About 0…1; −1 where the part can be no melody."""
    is_line: bool
    """Whether it is long and monophonic enough to follow a melody."""
    text: str
    """The rating in a few words."""


def salience(texture: Texture, row: int, relative_loudness: float) -> Salience:
    """The rating of one part of a texture; `relative_loudness` 0…1 against the loudest part."""
    part = texture.parts[row]
    occupation, linearity = texture.occupation(row), texture.linearity(row)
    sounding_s = float(texture.sounding[row].sum()) * FRAME_S
    on_top, named = texture.on_top(row), _named(part.name)
    is_line = (
        len(part.notes) >= MIN_NOTES
        and sounding_s >= MIN_SOUNDING_S
        and occupation >= MIN_OCCUPATION
        and linearity >= MIN_LINEARITY
        and part.program not in EFFECTS
    )
    if not is_line:
        return Salience(-1.0, False, "no line")
    ratings = {
        "linearity": (linearity - MIN_LINEARITY) / (1 - MIN_LINEARITY),
        "on top": on_top,
        "register": _register(part),
        "density": _density(len(part.notes) / sounding_s),
        "variety": variety(part),
        "loudness": relative_loudness,
        "occupation": min(1.0, occupation / 0.4),
        "program": _program(part.program),
    }
    total = sum(WEIGHTS[name] * value for name, value in ratings.items()) + named
    lowest = MIN_PITCH if on_top >= MIN_ON_TOP else MIN_HIDDEN_PITCH
    if named <= 0 and float(np.median(part.notes.pitch)) < lowest:
        total = -1.0
    return Salience(total, True, f"{total:.2f}, one voice {texture.monophony(row):.0%}, on top {on_top:.0%}")


def _register(part: Part) -> float:
    """1 where the part lies as melodies do, G3 to C6; falling to 0 within an octave and a half."""
    median = float(np.median(part.notes.pitch))
    return float(np.clip(1 - max(60 - median, median - 84, 0) / 18, 0, 1))


def _density(notes_a_second: float) -> float:
    """1 at the pace of melodies, 1 to 6 notes a second while they sound."""
    octaves = max(np.log2(1 / notes_a_second), np.log2(notes_a_second / 6), 0)
    return float(np.clip(1 - octaves / 1.5, 0, 1))


def _program(program: int) -> float:
    if program in LEADS or program in SYNTH_LEADS:
        return 1.0
    return 0.0 if program in PADS else 0.5


def _named(name: str) -> float:
    if _MELODY_WORDS.search(name):
        return NAMED
    return -NAMED if _OTHER_WORDS.search(name) else 0.0

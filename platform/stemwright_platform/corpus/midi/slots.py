"""Which slot each part of a score belongs to, and why.

Drums: channel 10 and percussion programs. Bass: bass programs in a low register, low single lines of other
programs under everything else, and what doubles them in unison. Melody: the most salient line, as `salience`
counts it, with parts that double or echo it and those that take over where it rests. Instrument: the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stemwright_platform.corpus.midi.programs import BASSES, EFFECTS, GUITARS, PERCUSSION
from stemwright_platform.corpus.midi.salience import MIN_SALIENCE, salience
from stemwright_platform.corpus.midi.score import Part, Score
from stemwright_platform.corpus.midi.texture import Texture, doubles, echoes

BASS, DRUMS, INSTRUMENT, MELODY = "bass", "drums", "instrument", "melody"

MAX_BASS_PITCH = 57
"""Median pitch above which a bass program plays no bass: A3."""
LOW_PITCH, LOW_GUITAR_PITCH = 47, 39
"""Median pitch up to which a line of another program may be a bass: B2; a guitar, below its lowest string."""
MIN_BASS_MONOPHONY, MIN_UNDERNEATH, MAX_BASS_OVERLAP = 0.85, 0.8, 0.2
MIN_DOUBLING = 0.8
"""Share of a part's notes that double another's, from which on it goes with that."""
MAX_TURN_OVERLAP, MIN_TURN_SALIENCE = 0.1, 0.85
"""A part takes over where it overlaps so little with the melody and is so salient against it."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """Where a part goes."""

    part: Part
    slot: str
    reason: str
    """In a few words."""


def assign(score: Score) -> tuple[Assignment, ...]:
    """The slot of each part of a score, in the order of its parts."""
    pitched = tuple(part for part in score.parts if not (part.is_drum or part.program in PERCUSSION))
    texture = Texture.of(pitched, score)
    reasons: dict[int, tuple[str, str]] = {}
    bass = _bass(texture)
    reasons.update({id(pitched[row]): (BASS, reason) for row, reason in bass.items()})
    rest = [row for row in range(len(pitched)) if row not in bass]
    for row, reason in _melody(texture, rest).items():
        reasons[id(pitched[row])] = (MELODY, reason)
    return tuple(Assignment(part, *reasons.get(id(part), _else(part))) for part in score.parts)


def _else(part: Part) -> tuple[str, str]:
    """Drums, or instrument."""
    if part.is_drum:
        return DRUMS, f"channel {part.channel % 16 + 1}" if part.channel % 16 == 9 else "drum bank"
    if part.program in PERCUSSION:
        return DRUMS, "percussion program"
    return INSTRUMENT, "sound effect" if part.program in EFFECTS else "accompanies"


def _bass(texture: Texture) -> dict[int, str]:
    """Row → why it is bass."""
    median = [int(np.median(part.notes.pitch)) for part in texture.parts]
    found = {
        row: "bass program"
        for row, part in enumerate(texture.parts)
        if part.program in BASSES and median[row] <= MAX_BASS_PITCH
    }
    covered = _sounding(texture, found)
    for row, part in enumerate(texture.parts):
        limit = LOW_GUITAR_PITCH if part.program in GUITARS else LOW_PITCH
        if row in found or part.program in EFFECTS or median[row] > limit:
            continue
        is_line = texture.monophony(row) >= MIN_BASS_MONOPHONY and texture.underneath(row) >= MIN_UNDERNEATH
        if is_line and texture.overlap(row, covered) <= MAX_BASS_OVERLAP:
            found[row] = "low single line under all others"
    basses = [texture.parts[row] for row in found]
    for row, part in enumerate(texture.parts):
        if row not in found and any(doubles(part, bass, octaves=False) >= MIN_DOUBLING for bass in basses):
            found[row] = "doubles the bass in unison"
    return found


def _melody(texture: Texture, rows: Sequence[int]) -> dict[int, str]:
    """Row → why it is melody; empty where no line is salient enough."""
    loudness = {row: texture.parts[row].loudness() for row in rows}
    loudest = max(loudness.values(), default=1.0) or 1.0
    scores = {row: salience(texture, row, loudness[row] / loudest) for row in rows}
    ranked = sorted(rows, key=lambda row: -scores[row].total)
    if not ranked or scores[ranked[0]].total < MIN_SALIENCE:
        return {}
    best = ranked[0]
    found = {best: f"most salient line: {scores[best].text}"}
    for row in ranked[1:]:
        if not scores[row].is_line:
            continue
        if doubles(texture.parts[row], texture.parts[best]) >= MIN_DOUBLING:
            found[row] = "doubles the melody"
        elif echoes(texture.parts[row], texture.parts[best]) >= MIN_DOUBLING:
            found[row] = "echoes the melody"
    for row in ranked[1:]:
        is_salient = scores[row].total >= max(MIN_SALIENCE, MIN_TURN_SALIENCE * scores[best].total)
        if row in found or not is_salient:
            continue
        if texture.overlap(row, _sounding(texture, found)) <= MAX_TURN_OVERLAP:
            found[row] = f"takes over where the melody rests: {scores[row].text}"
    return found


def _sounding(texture: Texture, rows: dict[int, str]) -> NDArray[np.bool_]:
    """[f], whether any of the rows sounds."""
    return np.any(texture.sounding[list(rows)], axis=0, keepdims=True)[0]

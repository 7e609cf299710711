"""Melodies: a motif of two bars, repeated, varied and answered, on chord tones where the beat is strong."""

from dataclasses import dataclass

import numpy as np

from stemwright_platform.corpus.demo.bar import Bar
from stemwright_platform.corpus.demo.harmony import Chord, Key, chord_scale
from stemwright_platform.corpus.demo.note import Hit, Note, hits

FORMS = ("AABA", "ABAB", "AAAB", "ABAC", "ABCA")
"""Orders of two-bar phrases."""
GATE = 0.9

PENTATONIC = {True: (0, 3, 5, 7, 10), False: (0, 2, 4, 7, 9)}
"""Whether the key is dark → semitones above the tonic."""
BLUES = (0, 3, 4, 5, 7, 10)


@dataclass(frozen=True, kw_only=True, slots=True)
class Motif:
    """Two bars of melody before it meets the chords."""

    rhythm: tuple[Hit, ...]
    """Steps count from the motif's first bar."""
    moves: tuple[int, ...]
    """Scale steps from note to note; the first from the centre of the register."""


def make_motif(rhythms: tuple[str, ...], rng: np.random.Generator) -> Motif:
    """A motif from two of the genre's bar rhythms: mostly steps, some leaps, a step back after a leap."""
    rhythm = "".join(str(rng.choice(rhythms)) for _ in range(2))
    found = tuple(hits(rhythm))
    moves = [int(rng.integers(-3, 4))]
    for _ in found[1:]:
        if abs(moves[-1]) > 2:
            moves.append(-int(np.sign(moves[-1])))
        else:
            moves.append(
                int(rng.choice([-3, -2, -1, 0, 1, 2, 3], p=[0.05, 0.12, 0.28, 0.1, 0.28, 0.12, 0.05]))
            )
    return Motif(rhythm=found, moves=tuple(moves))


def vary(motif: Motif, rng: np.random.Generator) -> Motif:
    """The motif as it comes back: its last notes turn another way, or a note is left out."""
    moves = list(motif.moves)
    for index in range(max(len(moves) - 2, 1), len(moves)):
        moves[index] = int(rng.integers(-2, 3))
    if len(moves) > 4 and rng.random() < 0.4:
        gone = int(rng.integers(1, len(moves) - 1))
        return Motif(
            rhythm=motif.rhythm[:gone] + motif.rhythm[gone + 1 :], moves=(*moves[:gone], *moves[gone + 1 :])
        )
    return Motif(rhythm=motif.rhythm, moves=tuple(moves))


def play_phrase(motif: Motif, bar: Bar, bars: int, centre: int, scale: str) -> list[Note]:
    """The motif from `bar` on, at most `bars` long, in straight time.

    Notes on the first and middle beat of a bar, and notes of a beat or longer, are chord tones.
    """
    notes: list[Note] = []
    pitch = centre
    for hit, move in zip(motif.rhythm, motif.moves, strict=True):
        if hit.step >= bars * bar.steps_per_bar:
            break
        chord = bar.chord(hit.step)
        strong = is_strong(hit, bar)
        pitch = _moved(pitch, move, _ladder(bar.key, chord, scale, centre))
        if strong or hit.length >= bar.steps_per_beat:
            pitch = _nearest(pitch, _pitches(chord.pitch_classes, centre))
        velocity = 82 + 12 * strong + round(10 * np.sin(np.pi * hit.step / (2 * bar.steps_per_bar)))
        notes.append(Note(bar.beat(hit.step), hit.length * GATE / bar.steps_per_beat, pitch, velocity))
    return notes


def play_pickup(first: Note, bar: Bar, count: int, centre: int, scale: str, *, rising: bool) -> list[Note]:
    """So many notes, half a beat each, that lead by steps to the first note of a phrase.

    `bar` is the one that the phrase begins in.
    """
    ladder = _ladder(bar.key, bar.chord(0), scale, centre)
    notes: list[Note] = []
    for back in range(count, 0, -1):
        pitch = _moved(first.pitch, -back if rising else back, ladder)
        notes.append(Note(first.start - back / 2, 0.5 * GATE, pitch, 78 - 3 * back))
    return notes


def last_note(bar: Bar, centre: int) -> Note:
    """The root of the bar's chord, held to the end of the bar."""
    pitch = _nearest(centre, _pitches((bar.chord(0).root,), centre))
    return Note(bar.beat(0), bar.steps_per_bar * GATE / bar.steps_per_beat, pitch, 92)


def is_strong(hit: Hit, bar: Bar) -> bool:
    """Whether a hit falls on the first or the middle beat of its bar."""
    middle = bar.steps_per_bar // 2 // bar.steps_per_beat * bar.steps_per_beat
    return hit.step % bar.steps_per_bar in (0, middle)


def _ladder(key: Key, chord: Chord, scale: str, centre: int) -> list[int]:
    """The pitches to move on, rising."""
    if scale == "blues":
        return _pitches(tuple((key.tonic + step) % 12 for step in BLUES), centre)
    if scale == "pentatonic":
        return _pitches(tuple((key.tonic + step) % 12 for step in PENTATONIC[key.is_dark]), centre)
    return _pitches(chord_scale(key, chord), centre)


def _pitches(classes: tuple[int, ...], centre: int) -> list[int]:
    """Every pitch of the classes within ten semitones of the centre."""
    return [pitch for pitch in range(centre - 10, centre + 11) if pitch % 12 in classes]


def _moved(pitch: int, move: int, ladder: list[int]) -> int:
    """So many rungs on, turning back at the ends of the register."""
    rung = abs(ladder.index(_nearest(pitch, ladder)) + move)
    top = len(ladder) - 1
    return ladder[rung if rung <= top else max(2 * top - rung, 0)]


def _nearest(pitch: int, pitches: list[int]) -> int:
    return min(pitches, key=lambda candidate: (abs(candidate - pitch), candidate))

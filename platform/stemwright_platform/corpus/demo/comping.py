"""Comping: chords voiced near one another, struck or broken as a pattern says."""

from itertools import pairwise

from stemwright_platform.corpus.demo.bar import Bar
from stemwright_platform.corpus.demo.harmony import Chord
from stemwright_platform.corpus.demo.note import Note

CENTRE = 59
"""Voicings lie around B3, between the bass and the melody."""
VELOCITIES = {"X": 96, "x": 74}
GATE = 0.95
STRUM_BEATS = 0.02
"""Between the strings of a strummed chord."""


def voice(chord: Chord, previous: tuple[int, ...] | None) -> tuple[int, ...]:
    """Three or four rising pitches of the chord, those that move least from the previous voicing.

    A chord of five tones leaves out its root, which is the bass's.
    """
    classes = chord.pitch_classes[1:] if len(chord.intervals) > 4 else chord.pitch_classes
    anchor = sum(previous) / len(previous) if previous else CENTRE
    inversions = [_stacked(classes, turn, octave) for turn in range(len(classes)) for octave in (3, 4, 5)]
    return min(inversions, key=lambda pitches: _distance(pitches, previous, anchor))


def play_bar(
    pattern: str,
    bar: Bar,
    previous: tuple[int, ...] | None,
    *,
    strummed: bool,
    doubled: bool = False,
) -> tuple[list[Note], tuple[int, ...] | None]:
    """One bar of comping in straight time, and the voicing that it ends on.

    `pattern` as `genre.Groove` has them, or "long": a chord is held until it changes. Where it is `doubled`,
    struck chords have their top voice an octave higher too.
    """
    if pattern == "long":
        pattern = _long(bar)
    notes: list[Note] = []
    sounding: Chord | None = None
    for hit in bar.hits(pattern):
        chord = bar.chord(hit.step)
        if chord != sounding or previous is None:
            previous, sounding = voice(chord, previous), chord
        start, length = bar.beat(hit.step), hit.length * GATE / bar.steps_per_beat
        if hit.token.isdigit():
            notes.append(Note(start, max(length, 0.5), _nth(previous, int(hit.token)), 78))
            continue
        for string, pitch in enumerate((*previous, previous[-1] + 12) if doubled else previous):
            delay = string * STRUM_BEATS if strummed else 0.0
            notes.append(Note(start + delay, length - delay, pitch, VELOCITIES[hit.token]))
    return notes, previous


def _long(bar: Bar) -> str:
    steps = range(bar.steps_per_bar)
    return "".join("x" if step == 0 or bar.chord(step) != bar.chord(step - 1) else "-" for step in steps)


def _nth(pitches: tuple[int, ...], number: int) -> int:
    """The voice with a number from 1; numbers above the top one go on an octave higher."""
    octave, index = divmod(number - 1, len(pitches))
    return pitches[index] + 12 * octave


def _stacked(classes: tuple[int, ...], turn: int, octave: int) -> tuple[int, ...]:
    turned = classes[turn:] + classes[:turn]
    pitches = [12 * octave + turned[0] + 12]
    for low, high in pairwise(turned):
        pitches.append(pitches[-1] + ((high - low) % 12 or 12))
    return tuple(pitches)


def _distance(pitches: tuple[int, ...], previous: tuple[int, ...] | None, anchor: float) -> float:
    """How far a voicing is from the last one, with a pull back to the centre."""
    mean = sum(pitches) / len(pitches)
    moved = abs(mean - anchor)
    if previous:
        moved = sum(min(abs(pitch - old) for old in previous) for pitch in pitches) / len(pitches)
    return moved + 0.35 * abs(mean - CENTRE)

"""Notes in beats, and the strings in which grooves, bass lines and comping are written down."""

from typing import NamedTuple


class Note(NamedTuple):
    """One note of a track."""

    start: float
    """Beats (quarter notes) from the start of the song."""
    length: float
    """Beats."""
    pitch: int
    """MIDI note number; on drums the General MIDI percussion key."""
    velocity: int
    """1…127."""


class Hit(NamedTuple):
    """One event of a written pattern."""

    step: int
    length: int
    """Steps that it sounds: one, and one more for each '-' after it."""
    token: str


def hits(pattern: str) -> list[Hit]:
    """A pattern such as "R--.5-.." read: a letter or digit starts an event, '-' holds it, '.' is silence."""
    found: list[Hit] = []
    for step, token in enumerate(pattern):
        if token == "-":
            if found and found[-1].step + found[-1].length == step:
                found[-1] = found[-1]._replace(length=found[-1].length + 1)
        elif token != ".":
            found.append(Hit(step, 1, token))
    return found


def without_overlaps(notes: list[Note], end: float) -> list[Note]:
    """Sorted notes, each cut at the next one of its pitch and at `end`: what MIDI can say."""
    kept: list[Note] = []
    last: dict[int, int] = {}
    for note in sorted(note for note in notes if note.start < end):
        if note.pitch in last:
            index = last[note.pitch]
            previous = kept[index]
            if note.start - previous.start < 0.02:
                continue
            kept[index] = previous._replace(length=min(previous.length, note.start - previous.start))
        last[note.pitch] = len(kept)
        kept.append(note._replace(length=min(note.length, end - note.start)))
    return kept

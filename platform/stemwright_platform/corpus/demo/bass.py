"""Bass lines: patterns of chord tones, lines on the kick drum, and walking bass."""

import numpy as np

from stemwright_platform.corpus.demo.drums import Pattern
from stemwright_platform.corpus.demo.harmony import Key, Progression, chord_at
from stemwright_platform.corpus.demo.note import Hit, Note, hits

LOWEST = 28
"""E1; roots lie within the octave above it, at least."""
GATE = 0.92
"""Part of its written length that a note sounds."""


def root_pitch(pitch_class: int) -> int:
    """The lowest pitch of a class from E1 up."""
    return LOWEST + (pitch_class - LOWEST) % 12


def play_bar(
    style: str,
    key: Key,
    chords: Progression,
    bar: int,
    steps_per_bar: int,
    steps_per_beat: int,
    drums: Pattern,
    rng: np.random.Generator,
) -> list[Note]:
    """One bar of bass in straight time; `style` is a pattern, "kick" or "walk" (see `genre.Groove.bass`)."""
    if style == "walk":
        style = _walking(steps_per_bar, steps_per_beat, rng)
    elif style == "kick":
        style = _on_the_kick(drums, bar, steps_per_bar, rng)
    offset = (bar * steps_per_bar) % len(style)
    kicks = _kicks(drums, bar, steps_per_bar)
    notes: list[Note] = []
    for hit in hits(style[offset : offset + steps_per_bar]):
        pitch = _pitch(hit, key, chords, bar, steps_per_bar)
        velocity = 84 + (14 if hit.step in kicks else 0) + (6 if hit.step == 0 else 0)
        start = (bar * steps_per_bar + hit.step) / steps_per_beat
        notes.append(Note(start, hit.length * GATE / steps_per_beat, pitch, velocity))
    return notes


def _pitch(hit: Hit, key: Key, chords: Progression, bar: int, steps_per_bar: int) -> int:
    chord = chord_at(chords, bar, hit.step / steps_per_bar)
    root = root_pitch(chord.root)
    if hit.token != "a":
        return root + chord.tone(hit.token)
    after = hit.step + hit.length
    following = chord_at(chords, bar + after // steps_per_bar, after % steps_per_bar / steps_per_bar)
    return _approach(root_pitch(following.root), root, key)


def _approach(target: int, current: int, key: Key) -> int:
    """The scale step next to `target`, on the side of the current root."""
    below, above = (
        next(p for p in candidates if p % 12 in key.scale)
        for candidates in (range(target - 1, target - 4, -1), range(target + 1, target + 4))
    )
    return above if current > target or below < LOWEST else below


def _kicks(drums: Pattern, bar: int, steps_per_bar: int) -> list[int]:
    kick = drums.get("kick", "")
    if not kick:
        return [0]
    offset = (bar * steps_per_bar) % len(kick)
    return [hit.step for hit in hits(kick[offset : offset + steps_per_bar])]


def _on_the_kick(drums: Pattern, bar: int, steps_per_bar: int, rng: np.random.Generator) -> str:
    """A pattern with a note on every kick, held for at most a beat; now and then a fifth or an octave."""
    starts = sorted({0, *_kicks(drums, bar, steps_per_bar)})
    line = ["."] * steps_per_bar
    for start, end in zip(starts, [*starts[1:], steps_per_bar], strict=True):
        line[start:end] = ["-"] * min(end - start, 4) + ["."] * max(end - start - 4, 0)
        line[start] = "R" if start == 0 or rng.random() < 0.7 else str(rng.choice(["5", "8"]))
    return "".join(line)


def _walking(steps_per_bar: int, steps_per_beat: int, rng: np.random.Generator) -> str:
    """A note a beat: the root, chord tones, then an approach to the next root."""
    beats = steps_per_bar // steps_per_beat
    middle = [str(rng.choice(["3", "5", "7", "8"])) for _ in range(beats - 2)]
    return "".join(tone + "-" * (steps_per_beat - 1) for tone in ["R", *middle, "a"])

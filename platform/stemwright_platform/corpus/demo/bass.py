"""Bass lines: patterns of chord tones, lines on the kick drum, and walking bass."""

import numpy as np

from stemwright_platform.corpus.demo.bar import Bar
from stemwright_platform.corpus.demo.drums import Pattern
from stemwright_platform.corpus.demo.harmony import Key
from stemwright_platform.corpus.demo.note import Hit, Note

LOWEST = 28
"""E1; roots lie within the octave above it, at least."""
GATE = 0.92
"""Part of its written length that a note sounds."""


def root_pitch(pitch_class: int) -> int:
    """The lowest pitch of a class from E1 up."""
    return LOWEST + (pitch_class - LOWEST) % 12


def play_bar(
    style: str, bar: Bar, drums: Pattern, rng: np.random.Generator, *, pickup: bool = False
) -> list[Note]:
    """One bar of bass in straight time.

    `style` is a pattern, "kick" or "walk" (see `genre.Groove.bass`), or "long": a note a chord. With a
    `pickup` its last beat leads to the next bar.
    """
    if style == "long":
        style = _long(bar)
    elif style == "walk":
        style = _walking(bar, rng)
    elif style == "kick":
        style = _on_the_kick(drums, bar, rng)
    if pickup:
        start = bar.number * bar.steps_per_bar % len(style)
        style = _with_pickup(style[start : start + bar.steps_per_bar], bar.steps_per_beat)
    kicks = _kicks(drums, bar)
    notes: list[Note] = []
    for hit in bar.hits(style):
        velocity = 84 + (14 if hit.step in kicks else 0) + (6 if hit.step == 0 else 0)
        length = hit.length * GATE / bar.steps_per_beat
        notes.append(Note(bar.beat(hit.step), length, _pitch(hit, bar), velocity))
    return notes


def _pitch(hit: Hit, bar: Bar) -> int:
    chord = bar.chord(hit.step)
    root = root_pitch(chord.root)
    if hit.token != "a":
        return root + chord.tone(hit.token)
    following = bar.chord(hit.step + hit.length)
    return _approach(root_pitch(following.root), root, bar.key)


def _approach(target: int, current: int, key: Key) -> int:
    """The scale step next to `target`, on the side of the current root."""
    below, above = (
        next(p for p in candidates if p % 12 in key.scale)
        for candidates in (range(target - 1, target - 4, -1), range(target + 1, target + 4))
    )
    return above if current > target or below < LOWEST else below


def _long(bar: Bar) -> str:
    """The root of each chord, held."""
    changes = [step == 0 or bar.chord(step) != bar.chord(step - 1) for step in range(bar.steps_per_bar)]
    return "".join("R" if change else "-" for change in changes)


def _with_pickup(style: str, steps_per_beat: int) -> str:
    """A bar's pattern whose last beat is the fifth and an approach to the next root."""
    half = steps_per_beat // 2 + steps_per_beat % 2
    last = "5" + "-" * (half - 1) + "a" + "-" * (steps_per_beat - half - 1)
    return style[:-steps_per_beat] + last


def _kicks(drums: Pattern, bar: Bar) -> list[int]:
    return [hit.step for hit in bar.hits(drums["kick"])]


def _on_the_kick(drums: Pattern, bar: Bar, rng: np.random.Generator) -> str:
    """A pattern with a note on every kick, held for at most a beat; now and then a fifth or an octave."""
    starts = sorted({0, *_kicks(drums, bar)})
    line = ["."] * bar.steps_per_bar
    for start, end in zip(starts, [*starts[1:], bar.steps_per_bar], strict=True):
        held = min(end - start, bar.steps_per_beat)
        line[start : start + held] = ["-"] * held
        line[start] = "R" if start == 0 or rng.random() < 0.7 else str(rng.choice(["5", "8"]))
    return "".join(line)


def _walking(bar: Bar, rng: np.random.Generator) -> str:
    """A note a beat: the root, chord tones, then an approach to the next root."""
    beats = bar.steps_per_bar // bar.steps_per_beat
    middle = [str(rng.choice(["3", "5", "7", "8"])) for _ in range(beats - 2)]
    return "".join(tone + "-" * (bar.steps_per_beat - 1) for tone in ["R", *middle, "a"])

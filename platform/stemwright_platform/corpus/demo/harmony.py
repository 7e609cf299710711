"""Keys, chords and progressions in pitch classes (0 = C)."""

import re
from dataclasses import dataclass

PITCH_NAMES = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
SHARP_NAMES = {"Db": "C#", "Gb": "F#", "Ab": "G#"}

SCALES: dict[str, tuple[int, ...]] = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
}
"""Mode → semitones above the tonic."""

QUALITIES: dict[str, tuple[int, ...]] = {
    "": (0, 4, 7),
    "m": (0, 3, 7),
    "5": (0, 7),
    "6": (0, 4, 7, 9),
    "m6": (0, 3, 7, 9),
    "7": (0, 4, 7, 10),
    "m7": (0, 3, 7, 10),
    "maj7": (0, 4, 7, 11),
    "9": (0, 4, 7, 10, 14),
    "m9": (0, 3, 7, 10, 14),
    "maj9": (0, 4, 7, 11, 14),
    "7b9": (0, 4, 7, 10, 13),
    "m7b5": (0, 3, 6, 10),
    "dim": (0, 3, 6),
    "sus4": (0, 5, 7),
    "sus2": (0, 2, 7),
    "add9": (0, 4, 7, 14),
}
"""Chord quality → semitones above the root."""

_NUMERALS = {"i": 0, "ii": 2, "iii": 4, "iv": 5, "v": 7, "vi": 9, "vii": 11}
_CHORD = re.compile(r"([b#]?)(VII|VI|V|IV|III|II|I|vii|vi|v|iv|iii|ii|i)(.*)")


@dataclass(frozen=True, slots=True)
class Key:
    """A tonic and a mode."""

    tonic: int
    """Pitch class."""
    mode: str
    """One of SCALES."""

    @property
    def name(self) -> str:
        """As "A minor"; sharps where the mode is a dark one, as musicians mostly write them."""
        name = PITCH_NAMES[self.tonic]
        return f"{SHARP_NAMES.get(name, name) if self.is_dark else name} {self.mode}"

    @property
    def is_dark(self) -> bool:
        """Whether the third is minor."""
        return 3 in SCALES[self.mode]

    @property
    def scale(self) -> tuple[int, ...]:
        """Pitch classes, from the tonic up."""
        return tuple((self.tonic + step) % 12 for step in SCALES[self.mode])


@dataclass(frozen=True, slots=True)
class Chord:
    """A root and the tones above it."""

    root: int
    """Pitch class."""
    intervals: tuple[int, ...]
    """Semitones above the root, from 0."""

    @property
    def pitch_classes(self) -> tuple[int, ...]:
        return tuple((self.root + interval) % 12 for interval in self.intervals)

    def tone(self, name: str) -> int:
        """Semitones above the root of "R", "3", "5", "7" or "8"; the nearest that the chord has."""
        third = next((i for i in self.intervals if i in (2, 3, 4, 5)), 7)
        fifth = next((i for i in self.intervals if i in (6, 7, 8)), 7)
        seventh = next((i for i in self.intervals if i in (9, 10, 11)), 12)
        return {"R": 0, "3": third, "5": fifth, "7": seventh, "8": 12}[name]


Progression = tuple[tuple[Chord, ...], ...]
"""Bars, each with the chords that share it equally."""


def chord(text: str, key: Key) -> Chord:
    """A Roman numeral in a key, as "bVII", "ii7" or "Imaj7"; degrees are those of the major scale."""
    match = _CHORD.fullmatch(text)
    if match is None:
        raise ValueError(f"not a chord: {text!r}")
    accidental, numeral, quality = match.groups()
    if numeral.islower() and not quality.startswith(("m", "dim")):
        quality = f"m{quality}"
    shift = {"b": -1, "": 0, "#": 1}[accidental]
    return Chord((key.tonic + _NUMERALS[numeral.lower()] + shift) % 12, QUALITIES[quality])


def progression(text: str, key: Key) -> Progression:
    """Bars divided by "|", chords by spaces: "ii7 V7 | Imaj7"."""
    return tuple(tuple(chord(name, key) for name in bar.split()) for bar in text.split("|"))


def chord_at(bars: Progression, bar: int, fraction: float) -> Chord:
    """The chord at a fraction 0…1 of a bar; the progression repeats for ever."""
    chords = bars[bar % len(bars)]
    return chords[min(int(fraction * len(chords) + 1e-6), len(chords) - 1)]


def chord_scale(key: Key, over: Chord) -> tuple[int, ...]:
    """Pitch classes that sound right over a chord: its tones, and the key's where no tone displaces them."""
    tones = set(over.pitch_classes)
    foreign = tones - set(key.scale)
    displaced = {(tone + step) % 12 for tone in foreign for step in (-1, 1)} - tones
    return tuple(sorted((set(key.scale) - displaced) | tones))

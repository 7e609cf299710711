"""What can be measured of each part of a score: when it sounds, in how many voices, above or below others.

Axes: p pitched part, f frame of 50 ms.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stemwright_platform.corpus.midi.score import Part, Score

FRAME_S = 0.05
SAME_ONSET_S = 0.04
SILENT_HIGH, SILENT_LOW = -1, 999


@dataclass(frozen=True, kw_only=True, slots=True)
class Texture:
    """The pitched parts of a score on one grid of time."""

    parts: tuple[Part, ...]
    voices: NDArray[np.int32]
    """[p, f], how many notes sound."""
    highest: NDArray[np.int32]
    """[p, f], −1 in silence."""
    lowest: NDArray[np.int32]
    """[p, f], 999 in silence."""

    @classmethod
    def of(cls, parts: tuple[Part, ...], score: Score) -> "Texture":
        """The texture of some parts of a score."""
        shape = (len(parts), int(score.duration_s / FRAME_S) + 2)
        voices = np.zeros(shape, np.int32)
        highest = np.full(shape, SILENT_HIGH, np.int32)
        lowest = np.full(shape, SILENT_LOW, np.int32)
        for row, part in enumerate(parts):
            notes = part.notes
            first = np.round(notes.start_s / FRAME_S).astype(int)
            # Legato notes overlap a little: what ends in the frame after counts no more.
            last = np.maximum(first + 1, np.floor(notes.end_s / FRAME_S - 0.5).astype(int))
            for start, end, pitch in zip(first, last, notes.pitch, strict=True):
                voices[row, start:end] += 1
                np.maximum(highest[row, start:end], pitch, out=highest[row, start:end])
                np.minimum(lowest[row, start:end], pitch, out=lowest[row, start:end])
        return cls(parts=parts, voices=voices, highest=highest, lowest=lowest)

    @property
    def sounding(self) -> NDArray[np.bool_]:
        """[p, f]."""
        return self.voices > 0

    def occupation(self, row: int) -> float:
        """The share of the song in which a part sounds."""
        return float(self.sounding[row].mean())

    def monophony(self, row: int) -> float:
        """The share of its sounding time in which it is a single line."""
        return _share(self.voices[row] == 1, self.sounding[row])

    def linearity(self, row: int) -> float:
        """Monophony, with time in two voices, as a line in thirds, counted by half."""
        return 0.5 * self.monophony(row) + 0.5 * _share(self.voices[row] <= 2, self.sounding[row])

    def on_top(self, row: int) -> float:
        """The share of its sounding time in which no other part is higher."""
        return _share(self.highest[row] >= self.highest.max(axis=0), self.sounding[row])

    def underneath(self, row: int) -> float:
        """The share of its sounding time in which no other part is lower."""
        return _share(self.lowest[row] <= self.lowest.min(axis=0), self.sounding[row])

    def overlap(self, row: int, others: NDArray[np.bool_]) -> float:
        """The share of its sounding time in which `others` `[f]` sound too."""
        return _share(others, self.sounding[row])


def doubles(part: Part, other: Part, *, octaves: bool = True) -> float:
    """The share of a part's notes that the other plays at the same time, in unison or `octaves` too."""
    period = 12 if octaves else 128
    theirs = other.notes.start_s
    found = np.zeros(len(part.notes), bool)
    first = np.searchsorted(theirs, part.notes.start_s - SAME_ONSET_S)
    last = np.searchsorted(theirs, part.notes.start_s + SAME_ONSET_S, "right")
    for place, (start, end) in enumerate(zip(first, last, strict=True)):
        found[place] = bool(np.any((other.notes.pitch[start:end] - part.notes.pitch[place]) % period == 0))
    return float(found.mean())


def echoes(part: Part, other: Part) -> float:
    """The share of a part's notes that are the other's, one for one, whenever they sound."""
    if not 0.9 <= len(part.notes) / len(other.notes) <= 1.1:
        return 0.0
    count = min(len(part.notes), len(other.notes))
    return float(np.mean((part.notes.pitch[:count] - other.notes.pitch[:count]) % 12 == 0))


def variety(part: Part) -> float:
    """How much a part's line tells, 0…1: half the entropy of its intervals, half how few of its turns repeat.

    A note or a figure that comes again and again has little; after Madsen and Widmer 2007.
    """
    intervals = np.diff(part.notes.pitch)
    if len(intervals) < 3:
        return 0.0
    counts = np.unique(np.clip(intervals, -13, 13), return_counts=True)[1] / len(intervals)
    entropy = float(-(counts * np.log2(counts)).sum()) / np.log2(12)
    turns = np.stack([intervals[:-2], intervals[1:-1], intervals[2:]], axis=1)
    fresh = len(np.unique(turns, axis=0)) / min(len(turns), 60)
    return 0.5 * min(entropy, 1.0) + 0.5 * min(fresh, 1.0)


def _share(hits: NDArray[np.bool_], among: NDArray[np.bool_]) -> float:
    return float((hits & among).sum() / max(among.sum(), 1))

"""One bar as the players see it: where it is, its harmony, and how its steps count."""

from dataclasses import dataclass

from stemwright_platform.corpus.demo.harmony import Chord, Key, Progression, chord_at
from stemwright_platform.corpus.demo.note import Hit, hits


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """A bar of a section. Steps count from its own start and may run on into the bars after it."""

    number: int
    """From the start of the song."""
    place: int
    """From the start of the section, whose progression begins there."""
    key: Key
    chords: Progression
    steps_per_bar: int
    steps_per_beat: int
    section_bars: int | None = None
    """Length of the section. None: its progression goes on for ever."""
    following: Progression | None = None
    """What the section after it begins with; the same again where it is None."""

    def beat(self, step: float) -> float:
        """A step's time in beats from the first downbeat of the song."""
        return (self.number * self.steps_per_bar + step) / self.steps_per_beat

    def chord(self, step: int) -> Chord:
        """The chord that sounds at a step."""
        ahead, rest = divmod(step, self.steps_per_bar)
        chords, place = self.chords, self.place + ahead
        if self.section_bars is not None and place >= self.section_bars:
            chords, place = self.following or chords, place - self.section_bars
        return chord_at(chords, place, rest / self.steps_per_bar)

    def hits(self, pattern: str) -> list[Hit]:
        """What a pattern of one or more bars says for this bar."""
        start = self.number * self.steps_per_bar % len(pattern)
        return hits(pattern[start : start + self.steps_per_bar])

    @property
    def is_last(self) -> bool:
        """Whether its section ends with it."""
        return self.place + 1 == self.section_bars

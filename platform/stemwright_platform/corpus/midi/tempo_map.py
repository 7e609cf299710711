"""Ticks to seconds, and where the bars begin."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stemwright_platform.corpus.midi.midi_file import TEMPO, TIME_SIGNATURE, MidiFile

DEFAULT_TEMPO = 500_000
"""Microseconds a quarter note where a file says nothing: 120 a minute."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TempoMap:
    """Time and metre of a file."""

    ticks_per_quarter: int
    ticks: NDArray[np.int64]
    """Where a tempo begins, ascending, the first at 0."""
    seconds: NDArray[np.float64]
    """The same places in seconds."""
    seconds_per_tick: NDArray[np.float64]
    """From each of them on."""
    metres: tuple[tuple[int, int, int], ...]
    """(tick, beats a bar, the beat's note value), ascending, the first at 0."""
    has_metre: bool
    """Whether the file states a time signature; without one it is 4/4."""

    @classmethod
    def of(cls, file: MidiFile) -> "TempoMap":
        """What a file's tempi and time signatures say."""
        tempi = {0: DEFAULT_TEMPO} | {event.tick: event.a for event in file.events if event.kind == TEMPO}
        ticks = np.array(sorted(tempi), np.int64)
        per_tick = np.array([tempi[int(tick)] for tick in ticks]) / (1e6 * file.ticks_per_quarter)
        seconds = np.concatenate([[0.0], np.cumsum(np.diff(ticks) * per_tick[:-1])])
        stated = {event.tick: (event.a, event.b) for event in file.events if event.kind == TIME_SIGNATURE}
        metres = {0: (4, 4)} | stated
        return cls(
            ticks_per_quarter=file.ticks_per_quarter,
            ticks=ticks,
            seconds=seconds,
            seconds_per_tick=per_tick,
            metres=tuple((tick, *metres[tick]) for tick in sorted(metres)),
            has_metre=bool(stated),
        )

    def at(self, ticks: ArrayLike) -> NDArray[np.float64]:
        """The times of ticks in seconds."""
        ticks = np.asarray(ticks)
        place = np.searchsorted(self.ticks, ticks, "right") - 1
        return self.seconds[place] + (ticks - self.ticks[place]) * self.seconds_per_tick[place]

    def tempo_bpm(self, start: int, end: int) -> float:
        """Quarter notes a minute from tick to tick, each tempo weighted by how long it lasts."""
        first, last = self.at([start, max(end, start + 1)])
        return 60 * max(end - start, 1) / self.ticks_per_quarter / float(last - first)

    def bars(self, end: int) -> NDArray[np.int64]:
        """The ticks before `end` at which bars begin; a new time signature begins one wherever it stands."""
        return np.array([tick for tick in self._bars(end) if tick < end], np.int64)

    def metre_at(self, tick: int) -> tuple[int, int]:
        """Beats a bar and the beat's note value."""
        metre = self.metres[0]
        for change in self.metres:
            if change[0] <= tick:
                metre = change
        return metre[1], metre[2]

    def _bars(self, end: int) -> Iterator[int]:
        ends: Sequence[int] = [tick for tick, _, _ in self.metres[1:]] + [end]
        for (start, beats, value), stop in zip(self.metres, ends, strict=True):
            # A bar's ticks need not be whole: 7/8 of 89 ticks a quarter.
            bar = 4 * self.ticks_per_quarter * beats / value
            count = max(0, int(np.ceil((min(stop, end) - start) / bar - 1e-9)))
            yield from (start + round(bar * number) for number in range(count))

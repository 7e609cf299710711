"""What a MIDI channel is set to while a file is read: program, pedal, curves of level, place and pitch."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from stemwright_platform.corpus.midi.midi_file import BEND, CONTROLLER, PROGRAM, Event

BANK, DATA, VOLUME, PAN, EXPRESSION, DATA_FINE, PEDAL, RPN_FINE, RPN = 0, 6, 7, 10, 11, 38, 64, 100, 101
NRPN = (98, 99)
SOUND_OFF, RESET, NOTES_OFF = 120, 121, (123, 124, 125, 126, 127)
DRUM_BANKS = (120, 127)
"""Banks that hold drum kits on any channel, in General MIDI 2 and in XG."""
DRUM_CHANNEL = 9
NO_RPN = (127, 127)
BEND_RANGE, FINE_TUNING, COARSE_TUNING = (0, 0), (0, 1), (0, 2)


@dataclass(frozen=True, slots=True)
class Curve:
    """A value that jumps at some moments and stays in between; empty means it never leaves its default."""

    seconds: NDArray[np.float64]
    """Ascending."""
    values: NDArray[np.float64]
    """From each moment on."""
    default: float
    """Before the first."""

    def at(self, seconds: float) -> float:
        """The value at a moment."""
        place = int(np.searchsorted(self.seconds, seconds, "right"))
        return float(self.values[place - 1]) if place else self.default

    def changes_within(self, start_s: float, end_s: float) -> bool:
        """Whether it jumps after the start and before the end."""
        first, last = np.searchsorted(self.seconds, [start_s, end_s], "right")
        return bool(last > first)

    def scaled(self, factor: float) -> "Curve":
        """The same values at moments multiplied by a factor."""
        return Curve(self.seconds * factor, self.values, self.default)


@dataclass(slots=True)
class Channel:
    """A channel's settings, changed message by message, and how they went."""

    number: int
    program: int = 0
    bank: int = 0
    has_pedal: bool = False
    volume: int = 100
    expression: int = 127
    pan: int = 64
    bend: int = 0
    bend_range_cents: float = 200.0
    tuning_cents: float = 0.0
    coarse: int = 0
    fine: int = 0
    rpn: tuple[int, int] = NO_RPN
    gains: dict[int, float] = field(default_factory=dict)
    """Tick → amplitude."""
    pans: dict[int, float] = field(default_factory=dict)
    """Tick → place, left −1 … right 1."""
    bends: dict[int, float] = field(default_factory=dict)
    """Tick → cents."""

    @property
    def is_drum(self) -> bool:
        """Channel 10 of each port, and kits that the bank names."""
        return self.number % 16 == DRUM_CHANNEL or self.bank in DRUM_BANKS

    def take(self, event: Event) -> None:
        """Be set by a controller, program or bend message."""
        if event.kind == PROGRAM:
            self.program = event.a
        elif event.kind == BEND:
            self.bend = event.a
            self._bent(event.tick)
        elif event.kind == CONTROLLER:
            self._control(event.tick, event.a, event.b)

    def _control(self, tick: int, number: int, value: int) -> None:
        if number == BANK:
            self.bank = value
        elif number == PEDAL:
            self.has_pedal = value >= 64
        elif number in (VOLUME, EXPRESSION):
            self._levelled(tick, number, value)
        elif number == PAN:
            self.pan = value
            self.pans[tick] = _place(value)
        elif number == RESET:
            self._reset(tick)
        else:
            self._parameter(tick, number, value)

    def _parameter(self, tick: int, number: int, value: int) -> None:
        """Registered parameters: bend range and tuning."""
        if number == RPN:
            self.rpn = (value, self.rpn[1])
        elif number == RPN_FINE:
            self.rpn = (self.rpn[0], value)
        elif number in NRPN:
            self.rpn = NO_RPN
        elif number == DATA and self.rpn == BEND_RANGE:
            self.bend_range_cents = 100.0 * min(value, 24)
        elif number == DATA_FINE and self.rpn == BEND_RANGE:
            self.bend_range_cents = self.bend_range_cents // 100 * 100 + min(value, 99)
        elif number == DATA and self.rpn == COARSE_TUNING:
            self.coarse = value - 64
        elif number == DATA and self.rpn == FINE_TUNING:
            self.fine = value - 64
        if number in (DATA, DATA_FINE):
            self.tuning_cents = 100.0 * self.coarse + 100.0 * self.fine / 64
            self._bent(tick)

    def _levelled(self, tick: int, number: int, value: int) -> None:
        if number == VOLUME:
            self.volume = value
        else:
            self.expression = value
        self.gains[tick] = amplitude(self.volume) * amplitude(self.expression)

    def _bent(self, tick: int) -> None:
        self.bends[tick] = self.bend / 8192 * self.bend_range_cents + self.tuning_cents

    def _reset(self, tick: int) -> None:
        """Reset all controllers: volume, pan and program stay as they are (RP-015)."""
        self.has_pedal, self.bend, self.rpn = False, 0, NO_RPN
        self._levelled(tick, EXPRESSION, 127)
        self._bent(tick)


def amplitude(value: int) -> float:
    """A volume, an expression or a velocity as amplitude: the square law of General MIDI (DLS 1)."""
    return (value / 127) ** 2


def _place(value: int) -> float:
    return (max(value, 1) - 64) / 63

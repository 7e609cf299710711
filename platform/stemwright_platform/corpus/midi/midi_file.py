"""Standard MIDI files as events in the order of their time, with channels and ports kept.

Why not symusic's or pretty_midi's reader: docs/decisions/0013-any-midi-as-stems.md.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from stemwright.errors import InputError

NOTE_OFF, NOTE_ON, CONTROLLER, PROGRAM, BEND = 0x80, 0x90, 0xB0, 0xC0, 0xE0
NAME, PORT, TEMPO, TIME_SIGNATURE = 0x03, 0x21, 0x51, 0x58
"""Meta events that are read; as `Event.kind` they cannot be mistaken for channel messages."""
MAX_BYTES = 16 << 20
_ONE_BYTE = (0xC0, 0xD0)


class Event(NamedTuple):
    """A channel message or a meta event."""

    tick: int
    track: int
    """Number of the chunk that it stands in."""
    kind: int
    """A constant of this module."""
    channel: int
    """16 · port + channel of the message, from 0; −1 for meta events."""
    a: int = 0
    """Pitch, controller, program, bend −8192…8191, microseconds a quarter note, or beats a bar."""
    b: int = 0
    """Velocity, value, or the beat as a fraction of a whole note: 8 for an eighth."""
    text: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class MidiFile:
    """The events of a file."""

    ticks_per_quarter: int
    events: tuple[Event, ...]
    """All tracks' in one order: by tick, then by track, then as written."""
    is_truncated: bool
    """Whether it ends too early; what was there has been read."""


def read_midi_file(path: Path) -> MidiFile:
    """Read type 0 and 1. Raises InputError, one line with the file's name, for what is no usable MIDI."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path.name}: is larger than {MAX_BYTES >> 20} MiB, which no song is")
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path.name}: cannot be read ({error.strerror})") from None
    try:
        return parse_midi(data)
    except InputError as error:
        raise InputError(f"{path.name}: {error}") from None


def parse_midi(data: bytes) -> MidiFile:
    """The events of a file's bytes. Raises InputError where it is none."""
    start = data.find(b"MThd", 0, 256)  # RIFF and MacBinary put a head of their own before it
    if start < 0 or len(data) < start + 14:
        raise InputError("is not a MIDI file")
    size, kind, _, division = struct.unpack(">IHHH", data[start + 4 : start + 14])
    if kind == 2:
        raise InputError("is of type 2, separate patterns; export it as type 0 or 1")
    if division & 0x8000 or not division:
        raise InputError("counts in SMPTE frames, not in beats; export it with ticks a quarter note")
    events: list[Event] = []
    is_truncated = False
    for number, (first, last, is_whole) in enumerate(_chunks(data, start + 8 + size)):
        track = _Track(data, first, min(last, len(data)), number)
        events += track.events()
        is_truncated = is_truncated or not (is_whole and track.is_whole)
    if not events:
        raise InputError("is a MIDI file without events")
    events.sort(key=lambda event: event[:2])
    return MidiFile(ticks_per_quarter=division, events=tuple(events), is_truncated=is_truncated)


def _chunks(data: bytes, at: int) -> Iterator[tuple[int, int, bool]]:
    """First byte of each track, the one after its last, and whether the file goes so far."""
    while at + 8 <= len(data):
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8])
        end = at + 8 + size
        if name == b"MTrk":
            yield at + 8, end, end <= len(data)
        at = end


class _Track:
    """A reader of one track's bytes."""

    def __init__(self, data: bytes, at: int, end: int, number: int) -> None:
        self._data, self._at, self._end, self._number = data, at, end, number
        self.is_whole = True

    def events(self) -> list[Event]:
        found: list[Event] = []
        try:
            found.extend(self._read())
        except IndexError:
            self.is_whole = False
        return found

    def _read(self) -> Iterator[Event]:
        """Raises IndexError where the track ends inside an event."""
        tick, status, port = 0, 0, 0
        while self._at < self._end:
            tick += self._number_ahead()
            if self._peek() & 0x80:
                status = self._byte()
            if status == 0xFF:
                kind, body = self._byte(), self._bytes(self._number_ahead())
                if kind == 0x2F:
                    return
                if kind == PORT and body:
                    port = body[0] & 0x0F
                elif event := _meta(tick, self._number, kind, body):
                    yield event
                status = 0
            elif status in (0xF0, 0xF7):
                self._bytes(self._number_ahead())
                status = 0
            elif 0x80 <= status < 0xF0:
                yield from self._message(tick, status, 16 * port + (status & 0x0F))
            else:
                raise IndexError(f"no message begins with {status}")

    def _message(self, tick: int, status: int, channel: int) -> Iterator[Event]:
        """A channel message; kinds that are not used here are passed over."""
        kind = status & 0xF0
        a = self._byte() & 0x7F
        b = 0 if kind in _ONE_BYTE else self._byte() & 0x7F
        if kind == BEND:
            a, b = (b << 7 | a) - 8192, 0
        if kind == NOTE_ON and b == 0:
            kind = NOTE_OFF
        if kind in (NOTE_OFF, NOTE_ON, CONTROLLER, PROGRAM, BEND):
            yield Event(tick, self._number, kind, channel, a, b)

    def _peek(self) -> int:
        if self._at >= self._end:
            raise IndexError
        return self._data[self._at]

    def _byte(self) -> int:
        value = self._peek()
        self._at += 1
        return value

    def _bytes(self, count: int) -> bytes:
        if self._at + count > self._end:
            raise IndexError
        self._at += count
        return self._data[self._at - count : self._at]

    def _number_ahead(self) -> int:
        """A number of variable length, at most four bytes."""
        value = 0
        for _ in range(4):
            byte = self._byte()
            value = value << 7 | byte & 0x7F
            if not byte & 0x80:
                return value
        raise IndexError


def _meta(tick: int, track: int, kind: int, body: bytes) -> Event | None:
    """A meta event that means something here."""
    if kind == NAME:
        return Event(tick, track, NAME, -1, text=body.decode("latin-1").strip("\0 \t\r\n"))
    if kind == TEMPO and len(body) == 3 and any(body):
        return Event(tick, track, TEMPO, -1, int.from_bytes(body))
    if kind == TIME_SIGNATURE and len(body) >= 2 and body[0] and body[1] <= 6:
        return Event(tick, track, TIME_SIGNATURE, -1, body[0], 2 ** body[1])
    return None

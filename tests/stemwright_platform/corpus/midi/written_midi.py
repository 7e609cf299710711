"""MIDI files written byte by byte, so that tests can say exactly what stands in them."""

import struct
from collections.abc import Sequence

Message = tuple[int, bytes]
"""Tick, and the bytes of an event."""
QUARTER = 96


def number(value: int) -> bytes:
    """A number of variable length."""
    out = [value & 0x7F]
    while value := value >> 7:
        out.append(value & 0x7F | 0x80)
    return bytes(reversed(out))


def track_bytes(messages: Sequence[Message]) -> bytes:
    body, now = b"", 0
    for tick, event in sorted(messages, key=lambda message: message[0]):
        body += number(tick - now) + event
        now = tick
    body += b"\0\xff\x2f\0"
    return b"MTrk" + struct.pack(">I", len(body)) + body


def file_bytes(*tracks: Sequence[Message], kind: int = 1, division: int = QUARTER) -> bytes:
    head = b"MThd" + struct.pack(">IHHH", 6, kind, len(tracks), division)
    return head + b"".join(track_bytes(track) for track in tracks)


def note(start: float, length: float, pitch: int, channel: int = 0, velocity: int = 100) -> list[Message]:
    """A note in quarters."""
    return [
        (round(start * QUARTER), bytes((0x90 | channel, pitch, velocity))),
        (round((start + length) * QUARTER), bytes((0x80 | channel, pitch, 0))),
    ]


def notes(
    pitches: Sequence[int], channel: int = 0, length: float = 1.0, start: float = 0.0, velocity: int = 100
) -> list[Message]:
    """One note after the other."""
    return [
        message
        for place, pitch in enumerate(pitches)
        for message in note(start + place * length, 0.9 * length, pitch, channel, velocity)
    ]


def control(at: float, controller: int, value: int, channel: int = 0) -> Message:
    return round(at * QUARTER), bytes((0xB0 | channel, controller, value))


def program(at: float, value: int, channel: int = 0) -> Message:
    return round(at * QUARTER), bytes((0xC0 | channel, value))


def bend(at: float, value: int, channel: int = 0) -> Message:
    """−8192 … 8191."""
    return round(at * QUARTER), bytes((0xE0 | channel, value + 8192 & 0x7F, value + 8192 >> 7))


def meta(at: float, kind: int, body: bytes) -> Message:
    return round(at * QUARTER), b"\xff" + bytes((kind,)) + number(len(body)) + body


def tempo(at: float, bpm: float) -> Message:
    return meta(at, 0x51, round(60e6 / bpm).to_bytes(3))


def metre(at: float, beats: int, power: int) -> Message:
    """`power` 2 for quarters, 3 for eighths."""
    return meta(at, 0x58, bytes((beats, power, 24, 8)))


def named(name: str) -> Message:
    return meta(0, 3, name.encode())


MELODY = [72, 74, 76, 72, 79, 77, 76, 74, 71, 72, 67, 69, 72, 76, 74, 71] * 2
ROOTS = [36, 36, 43, 43, 45, 45, 41, 41] * 4


def band(shift: int = 0) -> bytes:
    """Eight bars of four parts at 120: melody, chords, bass, drums."""
    chords = [
        message
        for place, root in enumerate(ROOTS)
        for pitch in (root + 12, root + 16, root + 19)
        for message in note(place, 0.9, pitch + shift, 1, 70)
    ]
    drums = [message for place in range(32) for message in note(place, 0.1, 36 if place % 2 == 0 else 38, 9)]
    return file_bytes(
        [tempo(0, 120), metre(0, 4, 2)],
        [named("flute"), program(0, 73), *notes([pitch + shift for pitch in MELODY])],
        [program(0, 0, 1), *chords],
        [program(0, 33, 2), *notes([root + shift for root in ROOTS], 2)],
        [program(0, 0, 9), *drums],
    )

"""A MIDI file as parts that a player could take: notes in seconds, with what their channel is set to.

Axes: n note.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stemwright.errors import InputError
from stemwright_platform.corpus.midi.channel import NOTES_OFF, SOUND_OFF, Channel, Curve, amplitude
from stemwright_platform.corpus.midi.midi_file import (
    CONTROLLER,
    NAME,
    NOTE_OFF,
    NOTE_ON,
    Event,
    MidiFile,
    read_midi_file,
)
from stemwright_platform.corpus.midi.tempo_map import TempoMap

HANGING_QUARTERS = 4
"""How long a note sounds that is never ended."""
DRUM_TICKS_DIVISOR = 8
"""Drum notes of no length, which drum machines write, last an eighth of a quarter note."""
GRID = 480
"""Ticks a quarter note in which two files' notes are compared."""


@dataclass(frozen=True, slots=True)
class Notes:
    """The notes of a part by their starts."""

    start_s: NDArray[np.float64]
    """[n], from the song's start."""
    end_s: NDArray[np.float64]
    """[n], after the key or, where it is down, the pedal is let go."""
    pitch: NDArray[np.int64]
    """[n] 0…127; on drums the percussion key."""
    velocity: NDArray[np.int64]
    """[n] 1…127."""

    def __len__(self) -> int:
        return len(self.pitch)

    @property
    def length_s(self) -> NDArray[np.float64]:
        """[n]."""
        return self.end_s - self.start_s


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """What one program of one channel plays in one track of the file."""

    name: str
    """Of its track; may be empty."""
    track: int
    channel: int
    """From 0; 16 and above on further ports."""
    program: int
    """0…127; on drums the kit."""
    is_drum: bool
    notes: Notes
    gain: Curve
    """Amplitude that volume and expression give."""
    pan: Curve
    """Left −1 … right 1."""
    bend_cents: Curve

    def faster(self, rate: float) -> "Part":
        """The part at `rate` times the tempo."""
        notes = replace(self.notes, start_s=self.notes.start_s / rate, end_s=self.notes.end_s / rate)
        gain, pan, bend = (curve.scaled(1 / rate) for curve in (self.gain, self.pan, self.bend_cents))
        return replace(self, notes=notes, gain=gain, pan=pan, bend_cents=bend)

    def transposed(self, semitones: int) -> "Part":
        """The part higher or lower; what leaves MIDI's range stays in it by octaves."""
        pitch = self.notes.pitch + semitones
        pitch -= 12 * np.maximum(0, -(-(pitch - 127) // 12))
        pitch += 12 * np.maximum(0, -(pitch // 12))
        return replace(self, notes=replace(self.notes, pitch=pitch))

    def loudness(self) -> float:
        """Mean of velocity and volume together as amplitude."""
        gains = [self.gain.at(start) for start in self.notes.start_s]
        return float(np.mean((self.notes.velocity / 127) ** 2 * np.array(gains)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """A song; its time begins with the bar of the first note."""

    parts: tuple[Part, ...]
    """In the order of their first notes in the file's tracks; each has notes."""
    duration_s: float
    """To the last note's end."""
    tempo_bpm: float
    """Quarter notes a minute, each tempo weighted by how long it lasts."""
    downbeats_s: tuple[float, ...]
    metre: tuple[int, int]
    """Beats a bar and the beat's note value where the song begins."""
    has_metre: bool
    """Whether the file states a time signature."""
    is_truncated: bool
    """Whether the file ends too early."""
    digest: str
    """Equal for files whose notes are equal, whatever else they hold."""

    def faster(self, rate: float) -> "Score":
        """The song at `rate` times the tempo."""
        return replace(
            self,
            parts=tuple(part.faster(rate) for part in self.parts),
            duration_s=self.duration_s / rate,
            tempo_bpm=self.tempo_bpm * rate,
            downbeats_s=tuple(beat / rate for beat in self.downbeats_s),
        )


def read_score(path: Path) -> Score:
    """The song of a MIDI file. Raises InputError, naming the file, where there is none to play."""
    file = read_midi_file(path)
    try:
        return score_of(file)
    except InputError as error:
        raise InputError(f"{path.name}: {error}") from None


def score_of(file: MidiFile) -> Score:
    """The song that a file's events make. Raises InputError where it has no notes."""
    played = _Playing(file)
    if not any(played.notes.values()):
        raise InputError("has no notes")
    tempo = TempoMap.of(file)
    first = min(start for notes in played.notes.values() for start, *_ in notes)
    end = max(stop for notes in played.notes.values() for _, stop, *_ in notes)
    bars = tempo.bars(end)
    first = int(bars[bars <= first][-1])
    origin = float(tempo.at(first))
    return Score(
        parts=tuple(played.parts(lambda ticks: tempo.at(ticks) - origin)),
        duration_s=float(tempo.at(end)) - origin,
        tempo_bpm=tempo.tempo_bpm(first, end),
        downbeats_s=tuple(np.round(tempo.at(bars[bars >= first]) - origin, 6).tolist()),
        metre=tempo.metre_at(first),
        has_metre=tempo.has_metre,
        is_truncated=file.is_truncated,
        digest=_digest(played, first, file.ticks_per_quarter),
    )


PartKey = tuple[int, int, int, bool]
"""Track, channel, program, whether it is a drum kit."""
TickNote = tuple[int, int, int, int]
"""Start, end, pitch, velocity."""


@dataclass(slots=True)
class _Open:
    """A note whose key is down, or that the pedal holds."""

    start: int
    pitch: int
    velocity: int
    part: PartKey
    is_held_by_pedal: bool = False


@dataclass(slots=True)
class _Playing:
    """A file played through, event by event."""

    file: MidiFile
    channels: dict[int, Channel] = field(default_factory=dict)
    sounding: dict[int, list[_Open]] = field(default_factory=dict)
    """By channel."""
    notes: dict[PartKey, list[TickNote]] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # A setting counts for the notes of its tick, also where it stands in a later track.
        is_note = (NOTE_ON, NOTE_OFF)
        for event in sorted(self.file.events, key=lambda event: (event.tick, event.kind in is_note)):
            if event.kind == NAME:
                self.names.setdefault(event.track, event.text)
            elif event.channel >= 0:
                self._play(event, self._channel(event.channel), self.sounding[event.channel])
        longest = HANGING_QUARTERS * self.file.ticks_per_quarter
        last = self.file.events[-1].tick
        for sounding in self.sounding.values():
            for note in list(sounding):
                self._end(note, min(last, note.start + longest), sounding)

    def parts(self, seconds: Callable[[NDArray], NDArray]) -> list[Part]:
        """The parts that have notes; `seconds` maps ticks to them."""
        curves: dict[int, tuple[Curve, Curve, Curve]] = {}
        for number, channel in self.channels.items():
            curves[number] = (
                _curve(channel.gains, seconds, amplitude(100)),
                _curve(channel.pans, seconds, 0.0),
                _curve(channel.bends, seconds, 0.0),
            )
        return [
            Part(
                name=self.names.get(key[0], ""),
                track=key[0],
                channel=key[1],
                program=key[2],
                is_drum=key[3],
                notes=_notes(notes, seconds),
                gain=curves[key[1]][0],
                pan=curves[key[1]][1],
                bend_cents=curves[key[1]][2],
            )
            for key, notes in sorted(self.notes.items())
            if notes
        ]

    def _channel(self, number: int) -> Channel:
        self.sounding.setdefault(number, [])
        return self.channels.setdefault(number, Channel(number))

    def _play(self, event: Event, channel: Channel, sounding: list[_Open]) -> None:
        if event.kind == NOTE_ON:
            self._strike(event, channel, sounding)
        elif event.kind == NOTE_OFF:
            self._let_go(event, channel, sounding)
        else:
            channel.take(event)
            if event.kind == CONTROLLER:
                self._release(event, channel, sounding)

    def _strike(self, event: Event, channel: Channel, sounding: list[_Open]) -> None:
        part = (event.track, event.channel, channel.program, channel.is_drum)
        self.notes.setdefault(part, [])
        for note in [note for note in sounding if note.pitch == event.a and note.is_held_by_pedal]:
            self._end(note, event.tick, sounding)
        sounding.append(_Open(event.tick, event.a, event.b, part))

    def _let_go(self, event: Event, channel: Channel, sounding: list[_Open]) -> None:
        """The key goes up: as on an instrument, all that sounds at its pitch ends, save what begins now."""
        keys = [
            note
            for note in sounding
            if note.pitch == event.a and note.part[0] == event.track and not note.is_held_by_pedal
        ]
        earlier = [note for note in keys if note.start < event.tick]
        for note in earlier or keys:
            if channel.has_pedal:
                note.is_held_by_pedal = True
            else:
                self._end(note, event.tick, sounding)

    def _release(self, event: Event, channel: Channel, sounding: list[_Open]) -> None:
        """What pedal and mode messages end."""
        for note in list(sounding):
            if event.a == SOUND_OFF or (event.a in NOTES_OFF and not channel.has_pedal):
                self._end(note, event.tick, sounding)
            elif event.a in NOTES_OFF:
                note.is_held_by_pedal = True
            elif note.is_held_by_pedal and not channel.has_pedal:
                self._end(note, event.tick, sounding)

    def _end(self, note: _Open, tick: int, sounding: list[_Open]) -> None:
        sounding.remove(note)
        is_drum = note.part[3]
        if tick <= note.start and is_drum:
            tick = note.start + max(1, self.file.ticks_per_quarter // DRUM_TICKS_DIVISOR)
        if tick > note.start:
            self.notes[note.part].append((note.start, tick, note.pitch, note.velocity))


def _curve(points: dict[int, float], seconds: Callable[[NDArray], NDArray], default: float) -> Curve:
    ticks = np.array(sorted(points), np.int64)
    values = np.array([points[int(tick)] for tick in ticks], np.float64)
    is_news = np.diff(values, prepend=default) != 0
    return Curve(seconds(ticks[is_news]), values[is_news], default)


def _notes(notes: list[TickNote], seconds: Callable[[NDArray], NDArray]) -> Notes:
    table = np.array(sorted(notes), np.int64)
    return Notes(seconds(table[:, 0]), seconds(table[:, 1]), table[:, 2], table[:, 3])


def _digest(played: _Playing, first: int, ticks_per_quarter: int) -> str:
    """Of all notes on a common grid, in one order, whatever tracks and channels they stand in."""
    rows = [
        (round((start - first) * GRID / ticks_per_quarter), pitch, program if not is_drum else -1)
        for (_, _, program, is_drum), notes in played.notes.items()
        for start, _, pitch, _ in notes
    ]
    return hashlib.sha256(np.array(sorted(rows), "<i8").tobytes()).hexdigest()

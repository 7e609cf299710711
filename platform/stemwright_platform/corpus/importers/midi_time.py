"""Tempo and bar lines as a MIDI file states them, for corpora whose audio was made from MIDI."""

from dataclasses import dataclass
from pathlib import Path

from stemwright_platform.corpus.midi.midi_file import NOTE_ON, TEMPO, read_midi_file
from stemwright_platform.corpus.midi.tempo_map import TempoMap

MAX_TEMPO_BPM = 400.0
"""A file that states more than this counts in other units."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MidiTime:
    """What a file says of time; never the defaults of the format."""

    tempo_bpm: float | None = None
    """Mean over the notes; None where the file states none that music has."""
    downbeats_s: tuple[float, ...] = ()
    """First beats of the bars; empty where it states no tempo or no time signature."""


def read_midi_time(path: Path) -> MidiTime:
    """InputError, naming the file, where it is no MIDI that can be read."""
    file = read_midi_file(path)
    notes = [event.tick for event in file.events if event.kind == NOTE_ON and event.b]
    if not notes or not any(event.kind == TEMPO for event in file.events):
        return MidiTime()
    tempo = TempoMap.of(file)
    tempo_bpm = round(tempo.tempo_bpm(min(notes), max(notes)), 2)
    if not 0 < tempo_bpm < MAX_TEMPO_BPM:
        return MidiTime()
    bars = tempo.at(tempo.bars(max(notes) + 1)) if tempo.has_metre else ()
    return MidiTime(
        tempo_bpm=tempo_bpm,
        downbeats_s=tuple(round(float(time_s), 3) for time_s in bars),
    )

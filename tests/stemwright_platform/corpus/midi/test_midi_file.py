from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from symusic import Note, Score, Track
from written_midi import QUARTER, band, control, file_bytes, meta, note, program, tempo

from stemwright.errors import InputError
from stemwright_platform.corpus.midi.midi_file import NOTE_OFF, NOTE_ON, PROGRAM, parse_midi, read_midi_file


def onsets(data: bytes) -> list[tuple[int, int]]:
    return [(event.tick, event.a) for event in parse_midi(data).events if event.kind == NOTE_ON]


def test_it_reads_the_notes_that_symusic_wrote(tmp_path: Path) -> None:
    score: Any = Score(480)
    for place in range(3):
        track: Any = Track(program=place * 20, is_drum=place == 2)
        for step in range(200):
            track.notes.append(Note(step * 130 + place, 100 + step, 30 + step % 60, 1 + step % 127))
        score.tracks.append(track)
    (tmp_path / "a.mid").write_bytes(score.dumps_midi())
    file = read_midi_file(tmp_path / "a.mid")
    expected = sorted(
        (note.time, note.pitch, note.velocity) for track in score.tracks for note in track.notes
    )
    assert sorted((e.tick, e.a, e.b) for e in file.events if e.kind == NOTE_ON) == expected
    assert file.ticks_per_quarter == 480
    assert {e.channel for e in file.events if e.kind == NOTE_ON} >= {9}


def test_types_0_and_1_give_the_same_events() -> None:
    first, second = note(0, 1, 60), note(0.5, 1, 64, channel=1)
    assert onsets(file_bytes(first, second)) == onsets(file_bytes(first + second, kind=0))


def test_running_status_and_note_on_without_velocity_are_understood() -> None:
    events = parse_midi(
        file_bytes([(0, b"\x90\x3c\x64"), (QUARTER, b"\x3c\x00"), (QUARTER, b"\x40\x50")])
    ).events
    assert [(e.kind, e.a) for e in events] == [(NOTE_ON, 60), (NOTE_OFF, 60), (NOTE_ON, 64)]


def test_a_port_makes_other_channels() -> None:
    ported = [meta(0, 0x21, b"\1"), *note(0, 1, 60, channel=2)]
    channels = {event.channel for event in parse_midi(file_bytes(note(0, 1, 60, 2), ported)).events}
    assert channels == {2, 18}


def test_system_messages_and_foreign_chunks_are_passed_over() -> None:
    data = file_bytes([(0, b"\xf0\x05\x7e\x7f\x09\x01\xf7"), *note(0, 1, 60)])
    chunk = b"XFIH\0\0\0\3abc"
    assert onsets(data[:14] + chunk + data[14:]) == [(0, 60)]


def test_a_head_before_the_file_is_passed_over() -> None:
    assert onsets(b"RIFF\0\0\0\0RMIDdata\0\0\0\0" + band()) == onsets(band())


def test_of_a_truncated_file_what_is_there_is_read() -> None:
    whole = parse_midi(band())
    cut = parse_midi(band()[:-200])
    assert cut.is_truncated
    assert not whole.is_truncated
    assert 0 < len(cut.events) < len(whole.events)
    assert set(cut.events) <= set(whole.events)


def test_events_stand_in_the_order_of_time_then_of_tracks() -> None:
    events = parse_midi(file_bytes([program(1, 5), tempo(0, 90)], [program(1, 6), control(0.5, 7, 1)])).events
    assert [event.tick for event in events] == sorted(event.tick for event in events)
    assert [event.a for event in events if event.kind == PROGRAM] == [5, 6]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is not a MIDI file"),
        (b"<html>not found</html>", "is not a MIDI file"),
        (b"MThd\0\0", "is not a MIDI file"),
        (file_bytes(note(0, 1, 60), kind=2), "type 2"),
        (file_bytes(note(0, 1, 60), division=0xE728), "SMPTE"),
        (file_bytes(note(0, 1, 60), division=0), "SMPTE"),
        (file_bytes([]), "without events"),
    ],
)
def test_what_is_no_usable_midi_is_refused_by_name(
    data: bytes, reason: str, write_midi: Callable[..., Path]
) -> None:
    with pytest.raises(InputError, match=f"^bad.mid: .*{reason}"):
        read_midi_file(write_midi(data, "bad.mid"))


def test_no_damage_raises_anything_but_an_input_error() -> None:
    whole = band()
    for place in range(0, len(whole), 7):
        for value in (0x00, 0x7F, 0xFF):
            damaged = whole[:place] + bytes((value,)) + whole[place + 1 :]
            try:
                parse_midi(damaged)
            except InputError:
                continue

from collections.abc import Sequence

import pytest
from written_midi import MELODY, ROOTS, Message, band, control, file_bytes, named, note, notes, program

from stemwright_platform.corpus.midi.midi_file import parse_midi
from stemwright_platform.corpus.midi.score import score_of
from stemwright_platform.corpus.midi.slots import Assignment, assign


def assigned(*tracks: Sequence[Message]) -> tuple[Assignment, ...]:
    return assign(score_of(parse_midi(file_bytes(*tracks))))


def slots(*tracks: Sequence[Message]) -> list[str]:
    return [assignment.slot for assignment in assigned(*tracks)]


def chords(channel: int, patch: int = 0, start: float = 0) -> list[Message]:
    played = [
        message
        for place, root in enumerate(ROOTS)
        for pitch in (root + 12, root + 16, root + 19)
        for message in note(start + place, 0.95, pitch, channel, 80)
    ]
    return [program(0, patch, channel), *played]


def line(
    channel: int, patch: int, pitches: Sequence[int] = MELODY, start: float = 0, velocity: int = 100
) -> list[Message]:
    return [program(0, patch, channel), *notes(pitches, channel, start=start, velocity=velocity)]


BASS = line(2, 33, ROOTS)
BEAT = [message for place in range(32) for message in note(place, 0.1, 36, 9)]


def test_a_band_fills_the_four_slots() -> None:
    assert [a.slot for a in assign(score_of(parse_midi(band())))] == ["melody", "instrument", "bass", "drums"]


def test_percussion_programs_are_drums_on_any_channel() -> None:
    assert slots(chords(0), line(1, 116, ROOTS), BASS) == ["instrument", "drums", "bass"]


def test_a_bass_program_far_above_the_bass_register_is_no_bass() -> None:
    assert slots(chords(0), line(1, 38), BASS) == ["instrument", "melody", "bass"]


def test_a_low_single_line_under_all_others_is_a_bass_where_no_bass_plays() -> None:
    tuba = line(1, 58, [root - 2 for root in ROOTS])
    assert slots(chords(0), tuba) == ["instrument", "bass"]
    assert slots(chords(0), tuba, BASS) == ["instrument", "instrument", "bass"]


def test_low_chords_and_low_guitars_are_no_bass() -> None:
    low = [
        message
        for place, root in enumerate(ROOTS)
        for p in (0, 7)
        for message in note(place, 0.9, root + p, 1)
    ]
    assert slots(chords(0), low) == ["instrument", "instrument"]
    assert slots(chords(0), line(1, 30, [root + 4 for root in ROOTS])) == ["instrument", "instrument"]


def test_what_doubles_the_bass_in_unison_goes_with_it_and_an_octave_above_does_not() -> None:
    assert slots(BASS, line(1, 81, ROOTS), chords(0)) == ["bass", "bass", "instrument"]
    assert slots(BASS, line(1, 30, [root + 12 for root in ROOTS]), chords(0))[1] == "instrument"


def test_among_single_lines_the_melody_is_the_varied_one_on_top() -> None:
    ostinato = line(3, 81, [60, 67] * 16)
    inner = line(4, 71, [55, 55, 57, 57] * 8, velocity=60)
    assert slots(BASS, chords(0), ostinato, inner, line(1, 73)) == [
        "bass",
        "instrument",
        "instrument",
        "instrument",
        "melody",
    ]


def test_a_name_decides_between_two_alike() -> None:
    low = [pitch - 12 for pitch in reversed(MELODY)]
    for name, expected in ((None, ["melody", "instrument"]), ("Lead vocal", ["instrument", "melody"])):
        second = [*line(3, 73, low), *([named(name)] if name else [])]
        assert slots(line(1, 73), second, BASS)[:2] == expected


def test_what_doubles_the_melody_in_octaves_goes_with_it() -> None:
    doubled = assigned(line(1, 73), line(3, 40, [pitch - 12 for pitch in MELODY]), BASS, chords(0))
    assert [a.slot for a in doubled] == ["melody", "melody", "bass", "instrument"]
    assert doubled[1].reason == "doubles the melody"


def test_an_echo_of_the_melody_goes_with_it() -> None:
    echo = assigned(line(1, 73), line(3, 73, start=0.25, velocity=60), BASS, chords(0))
    assert [a.slot for a in echo] == ["melody", "melody", "bass", "instrument"]
    assert echo[1].reason == "echoes the melody"


def test_a_line_that_takes_over_where_the_melody_rests_is_melody_too() -> None:
    solo = [pitch + 3 for pitch in MELODY]
    turns = assigned(line(1, 73), line(3, 65, solo, start=32), chords(0), BASS)
    assert [a.slot for a in turns] == ["melody", "melody", "instrument", "bass"]
    assert {a.reason.split(":")[0] for a in turns[:2]} == {
        "most salient line",
        "takes over where the melody rests",
    }


def test_chords_alone_have_no_melody() -> None:
    assert "melody" not in slots(chords(0), chords(1, 48), BASS, BEAT)


def test_a_few_notes_are_no_melody() -> None:
    assert slots(line(1, 73, MELODY[:6]), chords(0), BASS)[0] == "instrument"


@pytest.mark.parametrize("effect", [120, 122, 127])
def test_noises_are_no_melody(effect: int) -> None:
    (noise, *_) = assigned(line(1, effect), chords(0), BASS)
    assert (noise.slot, noise.reason) == ("instrument", "sound effect")


def test_every_part_has_one_slot_and_a_reason() -> None:
    found = assigned(line(1, 73), chords(0), BASS, BEAT, [control(0, 0, 120, 5), *note(0, 1, 40, 5)])
    assert [a.slot for a in found] == ["melody", "instrument", "bass", "drums", "drums"]
    assert all(a.reason for a in found)

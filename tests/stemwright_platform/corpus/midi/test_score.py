from collections.abc import Sequence

import numpy as np
import pytest
from written_midi import (
    MELODY,
    Message,
    band,
    bend,
    control,
    file_bytes,
    metre,
    named,
    note,
    notes,
    program,
    tempo,
)

from stemwright.errors import InputError
from stemwright_platform.corpus.midi.midi_file import parse_midi
from stemwright_platform.corpus.midi.score import Part, Score, score_of


def score(*tracks: Sequence[Message], kind: int = 1) -> Score:
    """At 120: a quarter lasts half a second."""
    return score_of(parse_midi(file_bytes(*tracks, kind=kind)))


def only(*tracks: Sequence[Message]) -> Part:
    (part,) = score(*tracks).parts
    return part


def spans(part: Part) -> list[tuple[float, float]]:
    """Starts and ends in quarters."""
    return [
        (round(2 * start, 3), round(2 * end, 3))
        for start, end in zip(part.notes.start_s, part.notes.end_s, strict=True)
    ]


def test_parts_are_programs_of_channels_of_tracks() -> None:
    found = score_of(parse_midi(band())).parts
    assert [(part.track, part.channel, part.program, part.is_drum) for part in found] == [
        (1, 0, 73, False),
        (2, 1, 0, False),
        (3, 2, 33, False),
        (4, 9, 0, True),
    ]
    assert found[0].name == "flute"
    assert found[0].notes.pitch.tolist() == MELODY


def test_a_change_of_program_begins_another_part() -> None:
    found = score([program(0, 73), *notes([60, 62]), program(2, 40), *notes([64, 65], start=2)]).parts
    assert {part.program: part.notes.pitch.tolist() for part in found} == {73: [60, 62], 40: [64, 65]}


def test_settings_in_another_track_of_the_channel_count() -> None:
    part = only([program(0, 73), control(0, 7, 64)], notes([60, 62]))
    assert part.program == 73
    assert part.gain.at(0) == pytest.approx((64 / 127) ** 2)


def test_a_setting_counts_for_the_notes_of_its_tick_though_it_stands_in_a_later_track() -> None:
    assert only(notes([60, 62]), [program(0, 73)]).program == 73


def test_two_tracks_of_one_channel_are_two_parts() -> None:
    found = score([program(0, 5), named("a"), *note(0, 1, 60)], [named("b"), *note(0, 2, 64)]).parts
    assert [(part.name, part.program, len(part.notes)) for part in found] == [("a", 5, 1), ("b", 5, 1)]


def test_the_pedal_holds_notes_until_it_is_let_go() -> None:
    part = only([control(0, 64, 127), *note(0, 1, 60), *note(2, 4, 62), control(3, 64, 0)])
    assert spans(part) == [(0, 3), (2, 6)]


def test_a_held_note_ends_where_it_is_struck_again() -> None:
    part = only([control(0, 64, 127), *note(0, 1, 60), *note(2, 1, 60), control(4, 64, 0)])
    assert spans(part) == [(0, 2), (2, 4)]


def test_a_half_pressed_pedal_below_64_holds_nothing() -> None:
    assert spans(only([control(0, 64, 63), *note(0, 1, 60)])) == [(0, 1)]


def test_a_note_struck_before_it_ended_keeps_both_starts_and_ends_once() -> None:
    part = only([(0, b"\x90\x3c\x64"), (48, b"\x90\x3c\x64"), (96, b"\x80\x3c\0"), (192, b"\x80\x3c\0")])
    assert spans(part) == [(0, 1), (0.5, 1)]


def test_on_before_off_in_one_tick_begins_a_note_and_ends_the_earlier_one() -> None:
    part = only([(0, b"\x90\x3c\x64"), (96, b"\x90\x3c\x64"), (96, b"\x80\x3c\0"), (192, b"\x80\x3c\0")])
    assert spans(part) == [(0, 1), (1, 2)]


def test_a_hanging_note_ends_after_a_bar_at_the_latest() -> None:
    part = only([(0, b"\x90\x3c\x64"), *note(9, 1, 64)])
    assert spans(part)[0] == (0, 4)


@pytest.mark.parametrize("controller", [120, 123])
def test_all_notes_off_ends_them(controller: int) -> None:
    part = only([(0, b"\x90\x3c\x64"), (0, b"\x90\x40\x64"), control(1.5, controller, 0), *note(8, 1, 62)])
    assert spans(part)[:2] == [(0, 1.5), (0, 1.5)]


def test_notes_of_no_length_are_kept_on_drums_alone() -> None:
    zero = [(0, b"\x99\x24\x64"), (0, b"\x89\x24\0"), *note(1, 1, 38, channel=9)]
    assert spans(only(zero)) == [(0, 0.125), (1, 2)]
    pitched = [(0, b"\x90\x3c\x64"), (0, b"\x80\x3c\0"), *note(1, 1, 62)]
    assert only(pitched).notes.pitch.tolist() == [62]


def test_bend_range_and_tuning_come_from_registered_parameters() -> None:
    fine = [control(0, 101, 0), control(0, 100, 0), control(0, 6, 12), control(0, 38, 0)]
    part = only([*fine, bend(1, 8191), bend(2, -4096), *note(0, 4, 60)])
    assert [part.bend_cents.at(at / 2) for at in (0, 1, 2)] == pytest.approx([0, 1200, -600], abs=1)
    coarse = [control(0, 101, 0), control(0, 100, 2), control(0, 6, 62)]
    assert only([*coarse, *note(0, 4, 60)]).bend_cents.at(1) == -200


def test_without_a_parameter_a_bend_spans_two_semitones() -> None:
    assert only([bend(0, -8192), *note(0, 1, 60)]).bend_cents.at(0) == -200


def test_data_after_another_parameter_leaves_the_bend_range_alone() -> None:
    other = [control(0, 99, 1), control(0, 98, 8), control(0, 6, 24)]
    assert only(
        [control(0, 101, 0), control(0, 100, 0), *other, bend(0, 8191), *note(0, 1, 60)]
    ).bend_cents.at(0) == pytest.approx(200, abs=1)


def test_volume_and_expression_multiply_and_a_reset_frees_expression() -> None:
    part = only([control(0, 7, 127), control(0, 11, 64), control(2, 121, 0), *note(0, 4, 60)])
    assert part.gain.at(0) == pytest.approx((64 / 127) ** 2)
    assert part.gain.at(1.5) == 1


def test_pan_runs_from_left_to_right() -> None:
    part = only([control(0, 10, 0), control(1, 10, 64), control(2, 10, 127), *note(0, 4, 60)])
    assert [part.pan.at(at / 2) for at in (0, 1, 2)] == [-1, 0, 1]


def test_a_bank_of_drums_makes_any_channel_a_kit() -> None:
    assert only([control(0, 0, 127), program(0, 25), *note(0, 1, 36)]).is_drum


def test_time_begins_with_the_bar_of_the_first_note() -> None:
    found = score([metre(0, 3, 2), *notes([60, 62, 64, 65], start=7)])
    assert found.parts[0].notes.start_s[0] == pytest.approx(0.5)
    assert found.downbeats_s[:2] == (0, 1.5)
    assert found.duration_s == pytest.approx(0.5 * (1 + 3.9), abs=0.01)


def test_the_tempo_leaves_out_the_silence_before_the_song() -> None:
    assert score([tempo(0, 30), tempo(8, 150), *notes([60] * 16, start=8)]).tempo_bpm == pytest.approx(150)


def test_files_of_equal_notes_have_equal_digests() -> None:
    first = score_of(parse_midi(band()))
    named_otherwise = (
        band().replace(b"flute", b"piper").replace(b"\xff\x51\x03\x07\xa1\x20", b"\xff\x51\x03\x09\x27\xc0")
    )
    assert score_of(parse_midi(named_otherwise)).digest == first.digest
    assert score_of(parse_midi(band(shift=1))).digest != first.digest


def test_a_faster_song_has_all_its_times_divided() -> None:
    slow = score([control(1, 7, 50), *notes([60, 62, 64, 65])])
    fast = slow.faster(1.25)
    np.testing.assert_allclose(fast.parts[0].notes.end_s * 1.25, slow.parts[0].notes.end_s)
    np.testing.assert_allclose(fast.parts[0].gain.seconds * 1.25, slow.parts[0].gain.seconds)
    assert fast.tempo_bpm == pytest.approx(slow.tempo_bpm * 1.25)
    assert fast.duration_s == pytest.approx(slow.duration_s / 1.25)


def test_a_file_without_notes_has_no_score() -> None:
    with pytest.raises(InputError, match="has no notes"):
        score([tempo(0, 100), program(0, 3)])

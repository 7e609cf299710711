from collections.abc import Sequence

import numpy as np
import pytest
from written_midi import Message, bend, control, file_bytes, note, notes, program

from stemwright_platform.corpus.midi.midi_file import parse_midi
from stemwright_platform.corpus.midi.part_audio import play, playable_program
from stemwright_platform.corpus.midi.score import Part, score_of
from stemwright_platform.corpus.synthesis.sound_font import SAMPLE_RATE_HZ, SoundFont

RATE = SAMPLE_RATE_HZ
ORGAN, FLUTE, SAW = 16, 73, 81


def part(*messages: Message) -> Part:
    """At 120: a quarter lasts half a second."""
    (found,) = score_of(parse_midi(file_bytes(list(messages)))).parts
    return found


def sound(font: SoundFont, *messages: Message, seconds: float = 4.0) -> np.ndarray:
    stem = np.zeros((2, round(seconds * RATE)), np.float32)
    play(part(*messages), font, stem)
    return stem


def level(stem: np.ndarray, start_s: float, end_s: float, channel: int | None = None) -> float:
    piece = stem[:, round(start_s * RATE) : round(end_s * RATE)]
    piece = piece if channel is None else piece[channel]
    return float(np.sqrt(np.mean(piece**2)))


def cents_from(stem: np.ndarray, start_s: float, end_s: float, pitch: float) -> float:
    """How far the strongest partial near a pitch is from it."""
    piece = stem[:, round(start_s * RATE) : round(end_s * RATE)].mean(axis=0)
    spectrum = np.abs(np.fft.rfft(piece * np.hanning(len(piece)), 1 << 19))
    bin_hz = RATE / (1 << 19)
    hz = 440 * 2 ** ((pitch - 69) / 12)
    first, last = int(hz * 0.75 / bin_hz), int(hz * 1.34 / bin_hz)
    return 1200 * np.log2((first + int(spectrum[first:last].argmax())) * bin_hz / hz)


def test_notes_sound_when_they_are_written(small_font: SoundFont) -> None:
    stem = sound(small_font, program(0, ORGAN), *note(0, 1, 60), *note(4, 1, 67))
    assert level(stem, 0.05, 0.5) > 0.01
    assert level(stem, 1.6, 1.99) < 1e-4
    assert level(stem, 2.02, 2.5) > 0.01


def test_velocity_volume_and_expression_follow_the_square_law(small_font: SoundFont) -> None:
    loud = sound(small_font, program(0, ORGAN), control(0, 7, 127), *note(0, 2, 60, velocity=127))
    for soft in (
        sound(small_font, program(0, ORGAN), control(0, 7, 64), *note(0, 2, 60, velocity=127)),
        sound(
            small_font,
            program(0, ORGAN),
            control(0, 7, 127),
            control(0, 11, 64),
            *note(0, 2, 60, velocity=127),
        ),
    ):
        assert level(soft, 0.1, 0.9) / level(loud, 0.1, 0.9) == pytest.approx((64 / 127) ** 2, rel=0.01)
    by_velocity = sound(small_font, program(0, ORGAN), control(0, 7, 127), *note(0, 2, 60, velocity=64))
    assert level(by_velocity, 0.1, 0.9) / level(loud, 0.1, 0.9) == pytest.approx((64 / 127) ** 2, rel=0.05)


def test_a_fade_is_heard_within_a_note_and_does_not_click(small_font: SoundFont) -> None:
    steps = [control(1 + place / 8, 11, 127 - 4 * place) for place in range(31)]
    held = sound(small_font, program(0, ORGAN), *note(0, 6, 60))
    faded = sound(small_font, program(0, ORGAN), *note(0, 6, 60), *steps)
    assert level(faded, 2.5, 2.9) < 0.05 * level(held, 2.5, 2.9)
    assert level(faded, 0.1, 0.4) == pytest.approx(level(held, 0.1, 0.4), rel=0.01)
    assert np.abs(np.diff(faded)).max() < 1.3 * np.abs(np.diff(held)).max()


def test_pan_moves_a_part_to_a_side_in_its_course(small_font: SoundFont) -> None:
    stem = sound(small_font, program(0, SAW), control(0, 10, 0), control(2, 10, 127), *note(0, 4, 60))
    assert level(stem, 0.2, 0.9, 1) < 0.01 * level(stem, 0.2, 0.9, 0)
    assert level(stem, 1.2, 1.9, 0) < 0.01 * level(stem, 1.2, 1.9, 1)


def test_a_bend_moves_the_pitch_as_written(small_font: SoundFont) -> None:
    still = cents_from(sound(small_font, program(0, FLUTE), *note(0, 6, 69)), 0.5, 1.4, 69)
    up = sound(small_font, program(0, FLUTE), bend(0, 4096), *note(0, 6, 69))
    assert cents_from(up, 0.5, 1.4, 69) - still == pytest.approx(100, abs=3)
    moved = sound(small_font, program(0, FLUTE), *note(0, 6, 69), bend(3, 8191), seconds=4)
    assert cents_from(moved, 0.5, 1.4, 69) == pytest.approx(still, abs=3)
    assert cents_from(moved, 1.7, 2.9, 69) - still == pytest.approx(200, abs=3)


def test_a_bent_note_that_stays_where_it_is_equals_the_plain_one(small_font: SoundFont) -> None:
    plain = small_font.note(FLUTE, False, 72, 90, 0.7)
    bent = small_font.bent_note(FLUTE, False, 72, 90, 0.7, np.zeros(RATE))
    length = min(plain.shape[1], bent.shape[1])
    np.testing.assert_allclose(bent[:, :length], plain[:, :length], atol=1e-5)


def test_a_closed_hi_hat_cuts_off_the_open_one(small_font: SoundFont) -> None:
    open_hat = sound(small_font, *note(0, 0.2, 46, 9))
    choked = sound(small_font, *note(0, 0.2, 46, 9), *note(0.5, 0.1, 42, 9, velocity=1))
    assert level(open_hat, 0.3, 0.5) > 10 * level(choked, 0.3, 0.5)


def test_a_cymbal_rings_however_short_its_note_is(small_font: SoundFont) -> None:
    short, long = (sound(small_font, *note(0, length, 49, 9)) for length in (0.05, 3))
    assert level(short, 1.0, 1.4) > 0.5 * level(long, 1.0, 1.4)


def test_a_program_that_the_font_lacks_is_played_by_a_near_one(small_font: SoundFont) -> None:
    kit = part(program(0, 26, 9), *note(0, 1, 36, 9))
    assert playable_program(kit, small_font) == 24
    assert playable_program(part(program(0, 127, 9), *note(0, 1, 36, 9)), small_font) == 0
    assert playable_program(part(program(0, 40), *note(0, 1, 60)), small_font) == 40


def test_parts_add_up(small_font: SoundFont) -> None:
    first = [program(0, FLUTE), *notes([72, 74])]
    second: Sequence[Message] = [program(0, ORGAN, 1), *notes([60, 62], 1)]
    both = np.zeros((2, 2 * RATE), np.float32)
    for one in score_of(parse_midi(file_bytes(first, second))).parts:
        play(one, small_font, both)
    alone = [sound(small_font, *messages, seconds=2) for messages in (first, second)]
    np.testing.assert_allclose(both, alone[0] + alone[1], atol=1e-6)

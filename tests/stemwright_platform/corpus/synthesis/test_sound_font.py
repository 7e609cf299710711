from pathlib import Path

import numpy as np
import pytest

from stemwright_platform.corpus.demo.drums import VOICES
from stemwright_platform.corpus.demo.genres import GENRES
from stemwright_platform.corpus.general_midi import PROGRAMS
from stemwright_platform.corpus.synthesis.sound_font import SAMPLE_RATE_HZ, SoundFont, default_sound_font

DRAWBARS = {16, 17, 18}
"""Organs, whose strongest partial is not the fundamental."""


@pytest.fixture(scope="module")
def font() -> SoundFont:
    return SoundFont(default_sound_font())


def detuning_cents(sound: np.ndarray, pitch: int) -> int:
    """How far the partials are from where the pitch has them."""
    mono = sound.mean(axis=0)[4800:28800] * np.hanning(24000)
    spectrum = np.abs(np.fft.rfft(mono, 1 << 18))
    bin_hz = SAMPLE_RATE_HZ / (1 << 18)
    pitch_hz = 440 * 2 ** ((pitch - 69) / 12)

    def partials(cents: int) -> float:
        found = (pitch_hz * 2 ** (cents / 1200) * number / bin_hz for number in range(1, 7))
        return sum(spectrum[int(at * 0.9985) : int(at * 1.0015) + 2].max() for at in found)

    return max(range(-600, 601, 10), key=partials)


def test_every_instrument_is_in_tune(font: SoundFont) -> None:
    basses = {program for genre in GENRES for program in genre.bass_programs}
    others = {
        program for genre in GENRES for program in (*genre.comping_programs, *genre.melody_programs)
    } - DRAWBARS
    played = [(program, pitch) for program in basses for pitch in (33, 43)]
    played += [(program, pitch) for program in others for pitch in (57, 72)]
    off = {
        (PROGRAMS[program], pitch): cents
        for program, pitch in played
        if abs(cents := detuning_cents(font.note(program, False, pitch, 100, 1.0), pitch)) > 40
    }
    assert off == {}


def test_plucked_strings_die_away_and_organs_do_not(font: SoundFont) -> None:
    def fall_db(program: int) -> float:
        note = font.note(program, False, 60, 100, 2.0)
        early, late = (np.sqrt(np.mean(note[:, at : at + 9600] ** 2)) for at in (2400, 76800))
        return 20 * np.log10(early / late)

    assert fall_db(24) > 9
    assert abs(fall_db(16)) < 4


def test_a_note_ends_softly_after_its_length(font: SoundFont) -> None:
    for program in (33, 73, 81):
        note = font.note(program, False, 60, 100, 0.5)
        assert 0.5 * SAMPLE_RATE_HZ <= note.shape[1] <= 1.2 * SAMPLE_RATE_HZ
        assert np.abs(note[:, -100:]).max() < 0.01


def test_equal_notes_are_equal_and_a_missing_program_is_silent(font: SoundFont) -> None:
    fresh = SoundFont(font.path)
    np.testing.assert_array_equal(fresh.note(0, False, 60, 90, 0.3), font.note(0, False, 60, 90, 0.3))
    assert font.note(0, True, 3, 90, 0.3).shape == (2, 0)


def test_every_drum_of_every_kit_sounds(font: SoundFont) -> None:
    for genre in GENRES:
        for groove in genre.grooves:
            for kit in genre.kits:
                for voice in groove.drums:
                    assert np.abs(font.note(kit, True, VOICES[voice], 100, 0.5)).max() > 0.02, (kit, voice)


def test_the_default_font_is_found_without_importing_pretty_midi() -> None:
    assert default_sound_font().name == "TimGM6mb.sf2"
    assert default_sound_font().is_absolute()
    assert isinstance(default_sound_font(), Path)

import numpy as np
from written_midi import band

from stemwright_platform.corpus.midi.augmentation import RATES, SEMITONES, Variant, played, variant_of
from stemwright_platform.corpus.midi.midi_file import parse_midi
from stemwright_platform.corpus.midi.programs import FAMILIES, family
from stemwright_platform.corpus.midi.score import score_of
from stemwright_platform.corpus.midi.slots import assign

SCORE = score_of(parse_midi(band()))
PARTS = assign(SCORE)


def variant(number: int, *, seed: int = 1, song: str = "song", num_fonts: int = 2) -> Variant:
    return variant_of(SCORE, PARTS, song=song, number=number, seed=seed, num_fonts=num_fonts)


def test_the_first_is_as_written_and_the_others_vary() -> None:
    assert variant(0).is_as_written
    assert not variant(0).effects
    assert sum(not variant(number).is_as_written for number in range(1, 20)) == 19


def test_a_variant_depends_on_seed_song_and_number_alone() -> None:
    assert variant(3) == variant(3)
    assert variant(3) != variant(4)
    assert variant(3) != variant(3, seed=2)
    assert variant(3) != variant(3, song="other")


def test_draws_keep_to_their_ranges_and_use_them() -> None:
    drawn = [variant(number) for number in range(1, 200)]
    assert {one.semitones for one in drawn} == set(range(SEMITONES[0], SEMITONES[1] + 1))
    rates = [one.rate for one in drawn]
    assert RATES[0] <= min(rates) < 0.92
    assert 1.08 < max(rates) <= RATES[1]
    assert {one.font for one in drawn} == {0, 1}
    for one in drawn:
        for (program, is_kit), new in one.programs.items():
            assert new in family(program, is_kit)


def test_fonts_take_turns() -> None:
    for song in ("a", "b", "c"):
        assert {variant(number, song=song, num_fonts=3).font for number in range(3)} == {0, 1, 2}


def test_drums_are_not_transposed() -> None:
    one = next(one for one in map(variant, range(1, 30)) if one.semitones)
    for before, after in zip(PARTS, played(PARTS, one), strict=True):
        moved = after.part.notes.pitch - before.part.notes.pitch
        assert set(moved.tolist()) == ({0} if before.slot == "drums" else {one.semitones})
        np.testing.assert_allclose(after.part.notes.start_s * one.rate, before.part.notes.start_s)


def test_transposed_notes_stay_in_the_range_of_midi() -> None:
    part = PARTS[0].part
    assert part.transposed(100).notes.pitch.max() <= 127
    assert part.transposed(-75).notes.pitch.min() >= 0


def test_no_program_is_in_two_families() -> None:
    programs = [program for one in FAMILIES for program in one]
    assert len(programs) == len(set(programs))

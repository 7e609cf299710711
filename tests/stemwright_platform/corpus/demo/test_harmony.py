import pytest

from stemwright_platform.corpus.demo.harmony import Key, chord, chord_at, chord_scale, progression

C_MAJOR, A_MINOR = Key(0, "major"), Key(9, "minor")


def test_roman_numerals_name_the_chords_that_musicians_expect() -> None:
    expected = {
        "I": (0, 4, 7),
        "vi7": (9, 0, 4, 7),
        "bVII": (10, 2, 5),
        "iim7b5": (2, 5, 8, 0),
        "Imaj7": (0, 4, 7, 11),
    }
    assert {text: chord(text, C_MAJOR).pitch_classes for text in expected} == expected
    assert chord("V7", A_MINOR).pitch_classes == (4, 8, 11, 2)


def test_chords_move_with_the_key() -> None:
    for tonic in range(12):
        key = Key(tonic, "major")
        moved = tuple((tone + tonic) % 12 for tone in chord("ii7", C_MAJOR).pitch_classes)
        assert chord("ii7", key).pitch_classes == moved


def test_chords_of_one_bar_share_it() -> None:
    bars = progression("ii7 V7 | Imaj7", C_MAJOR)
    roots = [
        chord_at(bars, bar, fraction).root
        for bar, fraction in ((0, 0), (0, 0.49), (0, 0.5), (1, 0.9), (2, 0))
    ]
    assert roots == [2, 2, 7, 0, 2]


def test_the_scale_over_a_borrowed_chord_holds_its_tones_and_not_their_neighbours() -> None:
    scale = chord_scale(A_MINOR, chord("V7", A_MINOR))
    assert 8 in scale  # G sharp, the leading note
    assert 7 not in scale
    assert chord_scale(C_MAJOR, chord("IV", C_MAJOR)) == tuple(sorted(C_MAJOR.scale))


def test_keys_are_spelled_as_musicians_do() -> None:
    assert [Key(9, "minor").name, Key(1, "major").name, Key(6, "minor").name] == [
        "A minor",
        "Db major",
        "F# minor",
    ]


def test_nonsense_is_no_chord() -> None:
    with pytest.raises(ValueError, match="not a chord"):
        chord("X7", C_MAJOR)

import numpy as np
import pytest

from stemwright.metrics.keys import FIFTH, NAMES, PARALLEL, RELATIVE, key_nearness, key_strengths, parsed_key


def test_a_profile_fits_its_own_key_best_and_fully() -> None:
    scale = np.zeros(12)
    scale[[0, 2, 4, 5, 7, 9, 11]] = 0.5
    scale[[0, 7]] = 1
    for tonic in range(12):
        strengths = key_strengths(np.roll(scale, tonic))
        assert int(np.argmax(strengths)) == tonic
        assert strengths.max() <= 1


def test_equal_pitches_fit_no_key() -> None:
    assert np.isnan(key_strengths(np.ones(12))).all()


def test_every_name_is_read_as_what_it_names() -> None:
    assert [parsed_key(name) for name in NAMES] == [(index % 12, index >= 12) for index in range(24)]


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("f# dorian", (6, True)),
        ("Cb major", (11, False)),
        ("E phrygian", (4, True)),
        ("Bb  Lydian", (10, False)),
        ("H minor", None),
        ("A", None),
        ("", None),
        ("A moll", None),
        ("minor", None),
    ],
)
def test_modes_count_by_their_third_and_other_words_are_no_key(
    name: str, key: tuple[int, bool] | None
) -> None:
    assert parsed_key(name) == key


def test_near_keys_count_as_they_do_in_mirex() -> None:
    asked = parsed_key("A minor")
    assert asked

    def nearness(name: str) -> float:
        key = parsed_key(name)
        assert key
        return key_nearness(asked, key)

    assert nearness("A minor") == 1
    assert nearness("E minor") == nearness("D minor") == FIFTH
    assert nearness("C major") == RELATIVE
    assert nearness("A major") == PARALLEL
    assert nearness("F# major") == nearness("B minor") == 0
    assert key_nearness((0, False), (9, True)) == RELATIVE
    assert key_nearness((0, False), (3, True)) == 0

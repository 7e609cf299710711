import pytest

from stemwright.errors import InputError
from stemwright.presets import load_preset
from stemwright_platform.sweeps.axis import Axis

TINY = load_preset("tiny")


def test_values_are_read_as_the_fields_own_type() -> None:
    assert Axis.of("p1=0.2,1", TINY).values == (0.2, 1.0)
    assert Axis.of("training.learning_rate=3e-4,6e-4", TINY).values == (3e-4, 6e-4)
    assert Axis.of("training.batch_size=2,4", TINY).values == (2, 4)
    assert Axis.of("training.windows_s=[1.5],[1,2]", TINY).values == ((1.5,), (1.0, 2.0))
    assert Axis.of("training.curriculum=joint,uniform", TINY).values == ("joint", "uniform")
    assert Axis.of("training.mixed_contexts=true,false", TINY).values == (True, False)


@pytest.mark.parametrize("text", ["training.learning_rate=1e-4..1e-2:log", "training.p1=0.1..0.9"])
def test_a_range_is_filled_evenly_within_its_ends(text: str) -> None:
    axis = Axis.of(text, TINY)
    values = [axis.at(place / 100) for place in range(100)]
    assert values == sorted(values)
    assert axis.ends()[0] == values[0]
    assert values[-1] <= axis.ends()[1]  # pyright: ignore[reportOperatorIssue]
    middle = (axis.low * axis.high) ** 0.5 if axis.log else (axis.low + axis.high) / 2
    assert axis.at(0.5) == pytest.approx(middle, rel=1e-3)


def test_a_range_of_whole_numbers_has_whole_numbers() -> None:
    axis = Axis.of("training.batch_size=2..16", TINY)
    assert {type(axis.at(place / 10)) for place in range(10)} == {int}


def test_what_is_written_can_be_read_again() -> None:
    for text in ("training.p1=0.2,0.8", "training.learning_rate=0.0001..0.01:log", "model.patch=2..4"):
        assert str(Axis.of(text, TINY)) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("p1", "give a field and its values"),
        ("p1=", "give a field and its values"),
        ("p1=[", "is no list"),
        ("p1=0.2,0.2", "0.2 is there twice"),
        ("p1=0.8..0.2", "from a lower to a higher"),
        ("p1=0..0.5:log", "above 0 with :log"),
        ("training.curriculum=joint..uniform", "has no range"),
        ("nonsense.p1=1", "unknown field"),
    ],
)
def test_a_text_that_is_no_axis_is_one_clear_line(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Axis.of(text, TINY)

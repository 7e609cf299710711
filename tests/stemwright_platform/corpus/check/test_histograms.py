import re

import pytest

from stemwright_platform.corpus.check.histograms import axis_over, bars, histogram


@pytest.mark.parametrize(
    "values",
    [[3.0], [0.0, 0.0], [-1e-9, 1e9], [-23.4, -14.0], [0.1, 0.1000001]],
    ids=lambda values: str(values),
)
def test_an_axis_has_round_ends_around_all_values(values: list[float]) -> None:
    axis = axis_over("x", values)
    assert axis.low <= min(values) <= max(values) <= axis.high + 1e-9
    assert axis.low < axis.high
    assert axis.ticks[0] == axis.low
    assert len(axis.ticks) < 12


def test_every_value_is_counted_once_those_beyond_the_axis_at_its_ends() -> None:
    axis = axis_over("x", [0.0, 10.0])
    picture = histogram({"a": ("red", [-5.0, 0.0, 5.0, 5.0, 99.0]), "b": ("blue", [])}, axis)
    assert sum(int(count) for count in re.findall(r"to [^<]*: (\d+)</title>", picture)) == 5
    assert "max 2" in picture


def test_names_are_escaped() -> None:
    assert "<i>" not in bars({"<i>": 3, "other": 1}, "red", "files")
    assert "<i>" not in histogram({"<i>": ("red", [1.0])}, axis_over("x", [1.0]))

"""Figures and their targets."""

import json
import math

import pytest

from stemwright_platform.assessment.figure import Figure, Target, figure_of_json


def figure(value: float, target: Target | None) -> Figure:
    return Figure(name="x", about="something", value=value, target=target)


def test_a_bound_itself_meets_its_target_from_both_sides() -> None:
    assert figure(0.5, Target(bound=0.5, at_least=True)).met
    assert figure(0.5, Target(bound=0.5, at_least=False)).met


@pytest.mark.parametrize(("value", "at_least"), [(0.3, True), (0.7, False)])
def test_what_lies_on_the_wrong_side_is_missed_by_its_distance(value: float, at_least: bool) -> None:
    missed = figure(value, Target(bound=0.5, at_least=at_least))
    assert missed.met is False
    assert missed.missed_by == pytest.approx(0.2)
    assert missed.verdict == "missed by 0.2"


def test_what_was_not_measured_is_never_met() -> None:
    nothing = figure(math.nan, Target(bound=0.15, at_least=False))
    assert nothing.met is False
    assert nothing.verdict == "not measured"


def test_a_figure_without_a_target_has_no_verdict() -> None:
    assert figure(3.0, None).met is None
    assert figure(3.0, None).verdict == ""


def test_a_target_that_nothing_can_reach_is_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        Target(bound=math.nan, at_least=True)


@pytest.mark.parametrize("value", [0.25, math.nan])
def test_a_figure_comes_back_from_strict_json(value: float) -> None:
    before = figure(value, Target(bound=0.5, at_least=True))
    text = json.dumps(before.as_json(), allow_nan=False)
    after = figure_of_json(json.loads(text))
    assert after.as_json() == before.as_json()

import math

import pytest

from stemwright.tasks import Task
from stemwright.tracks import TRACKS, Tracks
from stemwright_platform.evaluation.report.wording import (
    interval_text,
    listed,
    number_text,
    p_text,
    part_order,
    percent_text,
    task_label,
    task_mode,
    task_order,
)
from stemwright_platform.evaluation.task_name import named_tasks, task_name

PAIR = Tracks(names=("bass", "drums"), prompt_names=("bass", "drum"))


def test_every_task_has_a_label_of_its_own():
    names = [task_name(task) for task in named_tasks(("splits", "marginal", "joint"), TRACKS)]
    assert len({task_label(name) for name in names}) == len(names)


def test_the_rest_is_what_is_left_of_the_tracks_there_are():
    assert task_label("bass_given_drums", PAIR) == "bass, given the rest"
    assert task_label("bass_given_drums") == "bass, given drums"
    assert task_mode("bass_given_drums", PAIR) == "conditional"
    assert task_mode("bass_given_drums") == "mixed"


def test_a_name_of_no_task_is_shown_as_it_is():
    assert task_label("lambda 2") == "lambda 2"
    assert task_mode("lambda 2") == ""
    assert task_label("") == "all"


def test_tasks_are_in_the_order_joint_conditional_marginal_and_of_the_slots():
    order = ["joint", *(task_name(task) for task in named_tasks(("conditional", "marginal"), TRACKS))]
    assert sorted([*order[3:], *order[:3]], key=task_order) == order


def test_a_mixed_task_stands_between_conditional_and_marginal():
    mixed = task_name(Task(("bass",), ("drums",)))
    names = ["bass_alone", mixed, "bass_given_drums_instrument_melody"]
    assert sorted(names, key=task_order)[1] == mixed


def test_parts_are_in_the_order_tracks_pairs_others_mix():
    parts = ["mix", "vocals", "drums|melody", "bass|drums", "melody", "bass"]
    assert sorted(parts, key=part_order) == ["bass", "melody", "bass|drums", "drums|melody", "vocals", "mix"]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_a_dash(value):
    assert number_text(value, 2) == percent_text(value) == p_text(value) == "–"
    assert interval_text(value, 1.0, 2) == ""


def test_numbers_have_a_true_minus_and_zero_has_none():
    assert number_text(-1.25, 1) == "−1.2"
    assert number_text(-0.001, 2) == "0.00"
    assert number_text(12345.6, 0) == "12,346"


def test_small_p_values_are_not_zero():
    assert p_text(1e-9) == "< 0.001"
    assert p_text(0.0123) == "0.012"


def test_names_are_listed_with_an_and():
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"

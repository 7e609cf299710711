"""Scores of clips as shares of the way from strangers' stems to real ones."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from stemwright.tasks import Task
from stemwright_platform.evaluation.score_row import ScoreInfo
from stemwright_platform.sweeps.guidance_line import resampled
from stemwright_platform.sweeps.guidance_scores import (
    Ask,
    SplitCurve,
    better_of,
    criterion_scores,
    indexed,
    overall,
    split_curve,
)

CLIPS = tuple(f"clip{number}" for number in range(12))
TASK, NAME = Task(("bass",), ("drums", "instrument", "melody")), "bass_given_drums_instrument_melody"
LOCK = ScoreInfo(score="onset_lock", label="Onset lock", about="", better="higher")
LEAK = ScoreInfo(score="leakage", label="Leakage", about="", better="lower")
ASK = Ask(scales=(0.0, 1.0, 3.0), clips=CLIPS, made=frozenset(CLIPS), takes=1, ceiling="round_trip")


def row(system: str, task: str, clip: str, value: float | None, **other: str) -> dict[str, Any]:
    fields = {"score": "onset_lock", "part": "bass|drums", **other}
    return {"system": system, "task": task, "clip": clip, "value": value, **fields}


def rows(made: dict[float, float], floor: float = 0.2, ceiling: float = 0.8, **other: str) -> list[dict]:
    """Clips differ by the same everywhere."""
    found = []
    for number, clip in enumerate(CLIPS):
        off = 0.05 * np.sin(3 * number)
        found.append(row("shuffled", "joint", clip, floor + off, **other))
        found.append(row("round_trip", "joint", clip, ceiling + 0.5 * off, **other))
        found += [row(f"lambda_{s:g}", NAME, clip, value + off, **other) for s, value in made.items()]
    return found


MADE = {0.0: 0.2, 1.0: 0.5, 3.0: 0.8}


def curve(table: list[dict], by: tuple[ScoreInfo, ...] = (LOCK,), ask: Ask = ASK) -> SplitCurve:
    return split_curve(indexed(table), ask, TASK, NAME, by, resampled(len(CLIPS)))


def test_a_figure_is_the_share_of_the_way_from_strangers_to_real_stems() -> None:
    found = curve(rows(MADE))
    assert found.line.values == pytest.approx([0, 0.5, 1], abs=0.02)
    assert found.bounds is not None
    assert [float(bound.values[0]) for bound in found.bounds] == pytest.approx([0, 1])
    assert [cell.part for cell in found.cells] == ["bass|drums"]


def test_a_score_that_cannot_tell_real_from_strangers_is_left_out() -> None:
    table = rows(MADE) + rows({0.0: 9, 1.0: 9, 3.0: 9}, floor=0.5, ceiling=0.5, part="bass|melody")
    found = curve(table)
    assert found.left_out == ("onset_lock of bass|melody",)
    assert found.line.values == pytest.approx(curve(rows(MADE)).line.values)


def test_of_a_score_that_is_better_low_the_share_still_rises_towards_the_real() -> None:
    table = rows({0.0: 0.8, 1.0: 0.5, 3.0: 0.2}, floor=0.8, ceiling=0.2, score="leakage", part="bass")
    found = curve(table, (LEAK,))
    assert found.line.values == pytest.approx([0, 0.5, 1], abs=0.02)
    assert better_of((LEAK,), [found]) == "higher"


def test_without_floor_and_ceiling_the_score_is_taken_as_it_is() -> None:
    made = [each for each in rows({0.0: 0.3, 1.0: 0.2, 3.0: 0.1}, score="leakage") if NAME in each["task"]]
    found = curve(made, (LEAK,))
    assert found.bounds is None
    assert found.line.values == pytest.approx([0.3, 0.2, 0.1], abs=0.02)
    assert better_of((LEAK,), [found]) == "lower"


def test_what_cannot_be_measured_in_what_was_made_counts_as_the_floor() -> None:
    table = rows(MADE)
    for each in table:
        if each["system"] == "lambda_3" and each["clip"] in CLIPS[:6]:
            each["value"] = None
    assert curve(table).line.values[2] == pytest.approx(0.5, abs=0.05)


def test_what_cannot_be_measured_in_the_real_stems_is_left_out() -> None:
    table = rows(MADE)
    for each in table:
        if each["clip"] in CLIPS[:6] and each["system"] != "lambda_1":
            each["value"] = None
    assert curve(table).line.values == pytest.approx([0, 0.5, 1], abs=0.05)
    assert curve(table).line.n == 6


def test_a_clip_that_the_task_was_not_made_of_says_nothing() -> None:
    table = [each for each in rows(MADE) if each["clip"] not in CLIPS[:6] or each["task"] == "joint"]
    some = replace(ASK, made=frozenset(CLIPS[6:]))
    assert curve(table, ask=some).line.values == pytest.approx([0, 0.5, 1], abs=0.05)
    assert curve(table, ask=some).line.n == 6


def test_a_few_clips_tell_no_floor_from_a_ceiling() -> None:
    few = replace(ASK, clips=CLIPS[:3])
    found = split_curve(indexed(rows(MADE)), few, TASK, NAME, (LOCK,), resampled(3))
    assert found.cells == ()
    assert np.isnan(found.line.values).all()


def test_takes_of_a_clip_are_one_clip() -> None:
    table = rows(MADE)
    second = [{**each, "clip": f"{each['clip']}.take2"} for each in table if each["task"] == NAME]
    for each in second:
        each["value"] += 0.2
    two = replace(ASK, takes=2)
    found = curve(table + second, ask=two)
    assert found.line.values == pytest.approx(np.array([0.1, 0.4, 0.7]) / 0.6, abs=0.02)
    assert found.line.n == len(CLIPS)


def test_pairs_without_a_target_say_nothing_of_a_split() -> None:
    table = rows(MADE) + rows({0.0: 9, 1.0: 9, 3.0: 9}, part="drums|melody")
    assert [cell.part for cell in curve(table).cells] == ["bass|drums"]


def test_coherence_is_every_score_of_how_stems_fit_and_a_name_is_that_score() -> None:
    fad = ScoreInfo(score="frechet.musicnn", label="", about="", better="lower")
    infos = (LOCK, LEAK, fad)
    assert criterion_scores("coherence", infos) == (LOCK,)
    assert criterion_scores("leakage", infos) == (LEAK,)
    assert criterion_scores("nonsense", infos) == ()


def test_the_figure_over_all_splits_weighs_each_the_same() -> None:
    curves = [curve(rows(MADE)), curve(rows({0.0: 0.2, 1.0: 0.8, 3.0: 0.2}))]
    assert overall(curves).values == pytest.approx([0, 0.75, 0.5], abs=0.02)

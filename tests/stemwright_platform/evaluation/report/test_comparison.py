import math

import numpy as np
import pytest
from report_folder import clip_table

from stemwright_platform.evaluation.report.comparison import compare_systems, holm, wins
from stemwright_platform.evaluation.report.evaluation_folder import ComparedScore
from stemwright_platform.evaluation.score_row import ScoreInfo

LOCK = ScoreInfo(score="lock", label="Lock", about="", better="higher")
LEAK = ScoreInfo(score="leak", label="Leak", about="", better="lower")
LEVEL = ScoreInfo(score="level", label="Level", about="", better="neither")
INFOS = [LOCK, LEAK, LEVEL]


def rows_of(system: str, values, *, score="lock", task="joint", part="mix"):
    return [(system, task, f"clip{i}", score, part, float(value)) for i, value in enumerate(values)]


def test_a_planted_difference_is_found_and_its_sign_is_a_minus_b():
    hardness = np.random.default_rng(0).normal(0, 1, 30)
    noise = np.random.default_rng(1).normal(0, 0.05, 30)
    table = clip_table([*rows_of("a", hardness + 0.2 + noise), *rows_of("b", hardness)])
    (row,) = compare_systems(table, "a", "b", INFOS)
    assert row.low < 0.2 < row.high
    assert row.stars == "**"
    (other,) = compare_systems(table, "b", "a", INFOS)
    assert other.difference == pytest.approx(-row.difference)


def test_equal_systems_get_no_stars():
    values = np.random.default_rng(0).normal(0, 1, 20)
    (row,) = compare_systems(clip_table([*rows_of("a", values), *rows_of("b", values)]), "a", "b", INFOS)
    assert (row.difference, row.p_value, row.stars) == (0, 1, "")


def test_only_clips_that_both_have_are_pairs():
    table = clip_table([*rows_of("a", [1, 2, math.nan, 4]), *rows_of("b", [0, 0, 0])])
    (row,) = compare_systems(table, "a", "b", INFOS)
    assert (row.n, row.difference) == (2, 1.5)


def test_no_row_where_there_are_no_two_pairs_or_no_better():
    table = clip_table([*rows_of("a", [1]), *rows_of("b", [0]), *rows_of("a", [1, 2], score="level")])
    assert compare_systems(table, "a", "b", INFOS) == []


def test_many_figures_without_a_difference_give_fewer_stars_than_each_alone_would():
    rng = np.random.default_rng(3)
    rows = []
    for part in range(60):
        rows += rows_of("a", rng.normal(0, 1, 10), part=f"part{part}")
        rows += rows_of("b", rng.normal(0, 1, 10), part=f"part{part}")
    found = compare_systems(clip_table(rows), "a", "b", INFOS)
    assert any(row.p_value < 0.05 for row in found)
    assert not any(row.stars for row in found)


def test_scores_are_corrected_apart():
    values = np.arange(8) / 10
    alone = [*rows_of("a", values + 1), *rows_of("b", values)]
    many = [row for part in "xyz" for s in "ab" for row in rows_of(s, values, score="leak", part=part)]
    (expected,) = compare_systems(clip_table(alone), "a", "b", INFOS)
    found = compare_systems(clip_table(alone + many), "a", "b", INFOS)
    assert next(row for row in found if row.score == "lock") == expected


def test_a_system_that_knows_no_tasks_meets_the_joint_one():
    table = clip_table(
        [
            *rows_of("a", [1, 2, 3]),
            *rows_of("a", [7, 8, 9], task="bass_alone"),
            *rows_of("b", [0, 1, 2], task=""),
        ]
    )
    (row,) = compare_systems(table, "a", "b", INFOS)
    assert (row.task, row.difference) == ("joint", 1)


@pytest.mark.parametrize("p_values", [[], [0.5], [0.01, 0.04, 0.03, 0.9], [0.2, math.nan, 0.01]])
def test_corrected_p_values_keep_their_order_and_are_never_smaller(p_values):
    corrected = holm(p_values)
    known = [(p, c) for p, c in zip(p_values, corrected, strict=True) if not math.isnan(p)]
    assert all(p <= c <= 1 for p, c in known)
    assert [c for _, c in sorted(known)] == sorted(c for _, c in known)
    assert all(math.isnan(c) for p, c in zip(p_values, corrected, strict=True) if math.isnan(p))


def test_holm_is_as_published():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_wins_go_by_what_is_better():
    def row(score: str, difference: float, stars: str = "*") -> ComparedScore:
        return ComparedScore(
            score=score, task="joint", part="mix", a="a", b="b", difference=difference,
            low=0, high=0, p_value=0.01, stars=stars,
        )  # fmt: skip

    rows = [row("lock", 1), row("leak", -1), row("leak", 1), row("lock", 5, "")]
    assert wins(rows, {info.score: info for info in INFOS}) == (2, 1, 1)

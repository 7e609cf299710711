from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stemwright.metrics.interval import Interval
from stemwright.metrics.preference import Vote, preference
from stemwright_platform.evaluation.listening_test.answer_key import AnswerKey
from stemwright_platform.evaluation.listening_test.outcome import find_outcome
from stemwright_platform.evaluation.listening_test.outcome_page import (
    percent,
    probability,
    render,
    sentence,
    span,
)
from stemwright_platform.evaluation.listening_test.result_file import LeftOut, read_results

NASTY = "<script>alert(1)</script>"


def test_the_page_shows_systems_raters_and_files_and_lets_no_name_become_code(
    make_key: Callable[..., AnswerKey],
    planted_answers: Callable[..., dict[str, Any]],
    send: Callable[..., Path],
) -> None:
    key = make_key("ours", NASTY, "third", pairs=4)
    strengths = {"ours": 1.0, NASTY: 0.0, "third": -1.0}
    answers = [planted_answers(key, strengths, seed) for seed in range(3)]
    files = [send(f"{seed}.json", {**facts, "name": NASTY}) for seed, facts in enumerate(answers)]
    results, _ = read_results(files, key)
    page = render(find_outcome(results, [LeftOut(file=NASTY, reason="is no JSON")], key))
    assert NASTY not in page
    assert page.count("&lt;script&gt;") > 4
    for word in ("ours", "third", "is no JSON", "text 3", "Krippendorff", "2 of 2", "http"):
        assert (word in page) == (word != "http")


def votes(wins: int, losses: int) -> list[Vote]:
    return [
        Vote(rater=f"r{number}", item="i", first="ours", second="theirs", won=float(number < wins))
        for number in range(wins + losses)
    ]


@pytest.mark.parametrize(
    ("wins", "losses", "told"),
    [
        (18, 2, "ours was preferred over theirs in 90 % of 20 votes (p < 0.001)."),
        (2, 18, "theirs was preferred over ours in 90 % of 20 votes (p < 0.001)."),
        (6, 4, "ours and theirs cannot be told apart by 10 votes: 60 % for ours (p = 0.75)."),
        (1, 0, "ours and theirs cannot be told apart by 1 vote: 100 % for ours (p = 1.00)."),
    ],
)
def test_a_comparison_is_told_in_a_sentence_that_claims_no_more_than_it_may(
    wins: int, losses: int, told: str
) -> None:
    assert sentence(preference(votes(wins, losses), "ours", "theirs")) == told


def test_figures_are_rounded_and_unknown_ones_are_dashes() -> None:
    nan = float("nan")
    assert [percent(0.256), percent(nan)] == ["26 %", "–"]
    assert span(Interval(value=0.5, low=0.254, high=0.9, n=3)) == "25–90 %"
    assert span(Interval(value=0.5, low=nan, high=nan, n=1)) == "–"
    assert [probability(p) for p in (0.0001, 0.0312, 0.5)] == ["p < 0.001", "p = 0.031", "p = 0.50"]

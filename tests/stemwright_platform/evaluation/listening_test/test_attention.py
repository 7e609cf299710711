from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stemwright_platform.evaluation.listening_test.answer_key import AnswerKey
from stemwright_platform.evaluation.listening_test.attention import judge, judge_all
from stemwright_platform.evaluation.listening_test.result_file import Result, read_results

LIKED = {"ours": 1.0, "theirs": 0.0}
Answers = Callable[..., dict[str, Any]]


@pytest.fixture
def key(make_key: Callable[..., AnswerKey]) -> AnswerKey:
    return make_key("ours", "theirs", pairs=4)


@pytest.fixture
def rater(key: AnswerKey, planted_answers: Answers, send: Callable[..., Path]) -> Callable[..., Result]:
    """Of a rater who chose so in pairs by name, and else listened."""

    def make(dropped: str = "", **choices: str) -> Result:
        facts = planted_answers(key, LIKED, seed=1)
        for answer in facts["answers"]:
            answer["choice"] = choices.get(answer["pair"], answer["choice"])
        facts["answers"] = [
            answer for answer in facts["answers"] if not dropped or not answer["pair"].startswith(dropped)
        ]
        return read_results([send("a.json", facts)], key)[0][0]

    return make


def test_who_listened_counts(key: AnswerKey, rater: Callable[..., Result]) -> None:
    record = judge(rater(), key)
    assert (record.passed, record.checks, record.answered, record.left_out) == (2, 2, 4, "")


@pytest.mark.parametrize("choices", [{"spoilt": "x"}, {"spoilt": "tie"}, {"same": "x"}, {"same": "y"}])
def test_a_check_is_failed_by_the_spoilt_clip_and_by_a_difference_between_equal_ones(
    choices: dict[str, str], key: AnswerKey, rater: Callable[..., Result]
) -> None:
    record = judge(rater(**choices), key)
    assert (record.passed, record.checks) == (1, 2)
    assert "1 of 2" in record.left_out
    assert judge(rater(**choices), key, least_passed=0.5).left_out == ""


def test_who_answered_no_check_or_no_pair_is_left_out(key: AnswerKey, rater: Callable[..., Result]) -> None:
    assert "no attention check" in judge(rater(dropped="s"), key).left_out
    assert judge(rater(dropped="s"), key, least_passed=0).left_out == ""
    assert "no pair" in judge(rater(dropped="p"), key).left_out


def test_raters_that_count_come_first(key: AnswerKey, rater: Callable[..., Result]) -> None:
    records = judge_all([rater(spoilt="x"), rater()], key)
    assert [bool(record.left_out) for record in records] == [False, True]

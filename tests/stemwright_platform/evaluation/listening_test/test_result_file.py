from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stemwright_platform.evaluation.listening_test.answer_key import AnswerKey
from stemwright_platform.evaluation.listening_test.result_file import read_results

LIKED = {"ours": 1.0, "theirs": 0.0}


@pytest.fixture
def key(make_key: Callable[..., AnswerKey]) -> AnswerKey:
    return make_key("ours", "theirs", pairs=3)


@pytest.fixture
def facts(key: AnswerKey, planted_answers: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    return planted_answers(key, LIKED, seed=1)


def test_a_raters_answers_are_read(key: AnswerKey, facts: dict[str, Any], send: Callable[..., Path]) -> None:
    (result,), left_out = read_results([send("a.json", facts)], key)
    assert left_out == []
    assert (result.rater, result.name, result.through) == (facts["rater"], "rater 1", "headphones")
    assert [answer.choice for answer in result.answers] == [answer["choice"] for answer in facts["answers"]]


def wrong(facts: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Facts with the first answer changed."""
    first, *rest = facts["answers"]
    return {**facts, "answers": [{**first, **changes}, *rest]}


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda facts: "{", "no JSON"),
        (lambda facts: "[" * 100_000, "no JSON"),
        (lambda facts: [1, 2], "not a rater's answers"),
        (lambda facts: {"questions": []}, "not a rater's answers"),
        (lambda facts: {**facts, "format_version": 2}, "another version"),
        (lambda facts: {**facts, "test": "another"}, "another test"),
        (lambda facts: {**facts, "rater": "<b>"}, "proper name"),
        (lambda facts: {**facts, "answers": None}, "damaged"),
        (lambda facts: {**facts, "answers": facts["answers"] * 2}, "twice"),
        (lambda facts: wrong(facts, pair="none"), "no pair"),
        (lambda facts: wrong(facts, pair=["x"]), "damaged"),
        (lambda facts: wrong(facts, question=7), "no question"),
        (lambda facts: wrong(facts, question=True), "no question"),
        (lambda facts: wrong(facts, choice="both"), "no answer"),
        (lambda facts: wrong(facts, seconds="long"), "damaged"),
    ],
)
def test_a_file_that_cannot_count_is_left_out_with_the_reason_and_the_others_count(
    spoil: Callable[[dict[str, Any]], Any],
    reason: str,
    key: AnswerKey,
    facts: dict[str, Any],
    send: Callable[..., Path],
) -> None:
    files = [send("bad.json", spoil(facts)), send("good.json", {**facts, "rater": "another"})]
    results, (left_out,) = read_results(files, key)
    assert [result.file for result in results] == ["good.json"]
    assert left_out.file == "bad.json"
    assert reason in left_out.reason


def test_a_file_that_is_not_there_is_left_out(key: AnswerKey, tmp_path: Path) -> None:
    results, (left_out,) = read_results([tmp_path / "none.json"], key)
    assert results == []
    assert "cannot be read" in left_out.reason


def test_of_one_raters_files_the_fullest_counts_whatever_came_first(
    key: AnswerKey, facts: dict[str, Any], send: Callable[..., Path]
) -> None:
    part = send("part.json", {**facts, "answers": facts["answers"][:2]})
    whole = send("whole.json", facts)
    for files in ([part, whole], [whole, part]):
        (result,), (left_out,) = read_results(files, key)
        assert (result.file, left_out.file) == ("whole.json", "part.json")


def test_a_tie_is_no_answer_where_the_test_has_none(
    make_key: Callable[..., AnswerKey],
    planted_answers: Callable[..., dict[str, Any]],
    send: Callable[..., Path],
) -> None:
    key = make_key("ours", "theirs", ties=False)
    facts = wrong(planted_answers(key, LIKED, seed=1), choice="tie")
    assert read_results([send("a.json", facts)], key)[1][0].reason == "is damaged: no answer 'tie'"

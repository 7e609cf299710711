import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stemwright.errors import InputError
from stemwright_platform.evaluation.listening_test.answer_key import AnswerKey
from stemwright_platform.evaluation.listening_test.outcome import Outcome, as_json, find_outcome, score_rows
from stemwright_platform.evaluation.listening_test.result_file import LeftOut, read_results

LIKED = {"ours": 1.0, "theirs": 0.2, "shuffled": -1.2}
Answers = Callable[..., dict[str, Any]]


@pytest.fixture
def found(
    make_key: Callable[..., AnswerKey], planted_answers: Answers, send: Callable[..., Path]
) -> Callable[..., Outcome]:
    """The outcome of raters who like `LIKED`, some of them careless."""

    def find(
        *systems: str, raters: int = 12, careless: int = 0, change: Any = None, **key_facts: Any
    ) -> Outcome:
        key = make_key(*systems, **key_facts)
        key = change(key) if change else key
        files = [
            send(f"{seed}.json", planted_answers(key, LIKED, seed, careless=seed < careless))
            for seed in range(raters)
        ]
        return find_outcome(*read_results(files, key), key)

    return find


def test_what_was_planted_is_found_through_sides_and_names(found: Callable[..., Outcome]) -> None:
    outcome = found("ours", "theirs", "shuffled")
    (question,) = outcome.questions
    expected = {
        ("ours", "theirs"): 1 / (1 + math.exp(-0.8)),
        ("ours", "shuffled"): 1 / (1 + math.exp(-2.2)),
        ("theirs", "shuffled"): 1 / (1 + math.exp(-1.4)),
    }
    assert {(pair.first, pair.second) for pair in question.head_to_head} == set(expected)
    for pair in question.head_to_head:
        planted = 0.9 * expected[pair.first, pair.second] + 0.1 * 0.5  # a tenth of votes are ties
        assert pair.share.value == pytest.approx(planted, abs=0.09)
        assert pair.p_value < 0.05
        assert pair.share.n == 120
    assert [strength.system for strength in question.strengths] == list(LIKED)
    assert question.strengths[0].log_strength.n == 12
    assert 0 < question.agreement.alpha < 1
    assert outcome.cautions == []


def test_careless_raters_are_told_of_and_their_votes_do_not_count(found: Callable[..., Outcome]) -> None:
    outcome = found("ours", "theirs", careless=4)
    assert len(outcome.counted) == 8
    assert len(outcome.raters) == 12
    assert outcome.questions[0].head_to_head[0].share.n == 80


def test_raters_with_a_favourite_side_are_found(
    make_key: Callable[..., AnswerKey], planted_answers: Answers, send: Callable[..., Path]
) -> None:
    key = make_key("ours", "theirs")
    files = [send(f"{seed}.json", planted_answers(key, LIKED, seed, careless=True)) for seed in range(6)]
    outcome = find_outcome(*read_results(files, key), key, least_passed=0)
    assert outcome.first_side.value == 1
    assert any("one side" in caution for caution in outcome.cautions)


def test_few_raters_are_cautioned_about_and_strengths_then_rest_on_pairs(
    found: Callable[..., Outcome],
) -> None:
    outcome = found("ours", "theirs", "shuffled", raters=2)
    assert any("2 raters say little" in caution for caution in outcome.cautions)
    assert outcome.questions[0].strengths[0].log_strength.n == 30


def test_two_systems_need_no_scale(found: Callable[..., Outcome]) -> None:
    assert found("ours", "theirs", raters=3).questions[0].strengths == []


def test_each_question_has_its_own_figures(found: Callable[..., Outcome]) -> None:
    outcome = found("ours", "theirs", questions=("Better sound?", "Closer to the text?"), raters=3)
    assert [one.question for one in outcome.questions] == ["Better sound?", "Closer to the text?"]
    assert [one.head_to_head[0].share.n for one in outcome.questions] == [30, 30]


def test_parts_are_told_together_and_each(found: Callable[..., Outcome]) -> None:
    def with_bass(key: AnswerKey) -> AnswerKey:
        pairs = {
            name: replace(pair, part="bass") if name.endswith(("1", "3")) else pair
            for name, pair in key.pairs.items()
        }
        return replace(key, pairs=pairs)

    outcome = found("ours", "theirs", raters=3, change=with_bass)
    assert [(one.part, one.head_to_head[0].share.n) for one in outcome.questions] == [
        ("", 30),
        ("mix", 24),
        ("bass", 6),
    ]


def test_every_pair_has_its_share(found: Callable[..., Outcome]) -> None:
    (question,) = found("ours", "theirs", raters=5).questions
    assert len(question.prompts) == 10
    assert {prompt.prompt for prompt in question.prompts} == {f"text {number}" for number in range(10)}
    assert sum(prompt.preference.wins for prompt in question.prompts) == question.head_to_head[0].wins
    shares = [prompt.preference.share.value for prompt in question.prompts]
    assert shares == sorted(shares, reverse=True)


def test_rows_for_tables_tell_the_share_that_prefers_the_other_system(found: Callable[..., Outcome]) -> None:
    outcome = found("ours", "theirs", "shuffled")
    rows = score_rows(outcome)
    assert [(row.system, row.part) for row in rows] == [("theirs", "mix"), ("shuffled", "mix")]
    first = outcome.questions[0].head_to_head[0]
    assert rows[0].value == pytest.approx(1 - first.share.value)
    assert rows[0].low < rows[0].value < rows[0].high < 0.5
    assert "over ours" in rows[0].note


def test_the_json_is_strict_and_whole(found: Callable[..., Outcome]) -> None:
    facts = json.loads(json.dumps(as_json(found("ours", "theirs", raters=1)), allow_nan=False))
    assert facts["questions"][0]["head_to_head"][0]["share_by_rater"]["low"] is None
    assert facts["raters"][0]["checks_passed"] == 2
    assert facts["systems"] == ["ours", "theirs"]


def test_without_anyone_who_counts_the_reasons_are_said(make_key: Callable[..., AnswerKey]) -> None:
    with pytest.raises(InputError, match=r"bad\.json: is no JSON"):
        find_outcome([], [LeftOut(file="bad.json", reason="is no JSON")], make_key("ours", "theirs"))

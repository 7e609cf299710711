"""Who listened: raters judged by the pairs whose answer is known."""

from collections.abc import Sequence
from dataclasses import dataclass

from stemwright_platform.evaluation.listening_test.answer_key import AnswerKey
from stemwright_platform.evaluation.listening_test.result_file import Result

LEAST_PASSED = 0.75


@dataclass(frozen=True, kw_only=True, slots=True)
class RaterRecord:
    """A rater, and whether the answers count."""

    result: Result
    answered: int
    """Pairs, checks left aside."""
    passed: int
    """Checks answered as who listens answers them."""
    checks: int
    """Checks answered."""
    left_out: str
    """Why the answers do not count; "" where they do."""


def judge(result: Result, key: AnswerKey, *, least_passed: float = LEAST_PASSED) -> RaterRecord:
    """Judge one rater.

    A pair with a spoilt clip is passed by choosing the other, a pair of equal clips by "no difference";
    with several questions each answer counts. Who passes less than `least_passed` of the checks is left
    out; so is who answered none, where the test has any.
    """
    checks = [answer for answer in result.answers if key.pairs[answer.pair].kind != "pair"]
    passed = sum(answer.choice == (key.pairs[answer.pair].better or "tie") for answer in checks)
    pairs = {answer.pair for answer in result.answers} - {answer.pair for answer in checks}
    return RaterRecord(
        result=result,
        answered=len(pairs),
        passed=passed,
        checks=len(checks),
        left_out=_reason(passed, len(checks), len(pairs), key, least_passed),
    )


def judge_all(
    results: Sequence[Result], key: AnswerKey, *, least_passed: float = LEAST_PASSED
) -> list[RaterRecord]:
    """All raters, those that count first."""
    judged = [judge(result, key, least_passed=least_passed) for result in results]
    return sorted(judged, key=lambda record: (bool(record.left_out), record.result.rater))


def _reason(passed: int, checks: int, pairs: int, key: AnswerKey, least_passed: float) -> str:
    if not pairs:
        return "answered no pair"
    if not checks:
        has_checks = any(pair.kind != "pair" for pair in key.pairs.values())
        return "answered no attention check" if has_checks and least_passed > 0 else ""
    return f"passed {passed} of {checks} attention checks" if passed < least_passed * checks else ""

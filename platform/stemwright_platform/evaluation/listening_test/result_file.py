"""What raters sent back: result files read strictly, those that cannot count named with the reason."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stemwright_platform.evaluation.listening_test.answer_key import AnswerKey

FORMAT, FORMAT_VERSION = "stemwright-listening-result", 1
MOST_BYTES = 10_000_000
CHOICES = ("x", "y", "tie")
_LONGEST_NAME = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """To one question about one pair."""

    pair: str
    """Its opaque name."""
    question: int
    choice: str
    """"x", "y" or "tie"."""
    first: str
    """Which clip was A: "x" or "y"."""
    seconds: float
    """Spent on the pair."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """All answers of a rater."""

    file: str
    rater: str
    """Random; the same for all files of one rater."""
    name: str
    """As the rater gave it, or ""."""
    through: str
    """headphones, loudspeakers or ""."""
    finished: str
    """When, in ISO 8601; "" where the rater stopped before the end."""
    answers: Sequence[Answer]


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftOut:
    """A file that does not count."""

    file: str
    reason: str


class _Unfit(Exception):
    """Why a file does not count."""


def read_results(paths: Iterable[Path], key: AnswerKey) -> tuple[list[Result], list[LeftOut]]:
    """The results of a test's raters, and what was left out.

    Damaged files and those of other tests are left out; of several by one rater the one with the most
    answers counts (a rater may send a part first).
    """
    best: dict[str, Result] = {}
    left_out = []
    for path in paths:
        try:
            result = _read(path, key)
        except _Unfit as error:
            left_out.append(LeftOut(file=path.name, reason=str(error)))
            continue
        known = best.get(result.rater)
        if known is None:
            best[result.rater] = result
            continue
        fuller, other = (result, known) if len(result.answers) > len(known.answers) else (known, result)
        best[result.rater] = fuller
        left_out.append(
            LeftOut(file=other.file, reason=f"by the rater of {fuller.file}, which holds no fewer answers")
        )
    return list(best.values()), left_out


def _read(path: Path, key: AnswerKey) -> Result:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise _Unfit("too large to be a rater's answers")
        facts = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _Unfit(f"cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise _Unfit("is no JSON: it may be cut off") from None
    if not isinstance(facts, dict) or facts.get("format") != FORMAT:
        raise _Unfit("is not a rater's answers")
    if facts.get("format_version") != FORMAT_VERSION:
        raise _Unfit("is of another version")
    if facts.get("test") != key.test:
        raise _Unfit("belongs to another test")
    try:
        return _parsed(facts, path.name, key)
    except (KeyError, TypeError, ValueError) as error:
        raise _Unfit(f"is damaged: {error}") from None


def _parsed(facts: Mapping[str, Any], file: str, key: AnswerKey) -> Result:
    answers = [_answer(entry, key) for entry in facts["answers"]]
    if len({(answer.pair, answer.question) for answer in answers}) < len(answers):
        raise ValueError("a question is answered twice")
    rater = facts["rater"]
    if not isinstance(rater, str) or not rater.isalnum() or len(rater) > _LONGEST_NAME:
        raise ValueError("the rater has no proper name")
    return Result(
        file=file,
        rater=rater,
        name=str(facts.get("name", ""))[:_LONGEST_NAME],
        through=str(facts.get("through", ""))[:_LONGEST_NAME],
        finished=str(facts.get("finished", ""))[:_LONGEST_NAME],
        answers=answers,
    )


def _answer(entry: Mapping[str, Any], key: AnswerKey) -> Answer:
    pair, question, choice, first = (entry[name] for name in ("pair", "question", "choice", "first"))
    if pair not in key.pairs:
        raise ValueError(f"no pair {str(pair)[:40]!r}")
    if type(question) is not int or not 0 <= question < len(key.questions):
        raise ValueError(f"no question {str(question)[:40]!r}")
    if choice not in CHOICES or (choice == "tie" and not key.ties) or first not in CHOICES[:2]:
        raise ValueError(f"no answer {str(choice)[:40]!r}")
    return Answer(
        pair=pair, question=question, choice=choice, first=first, seconds=float(entry.get("seconds", 0))
    )

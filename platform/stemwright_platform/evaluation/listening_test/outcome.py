"""What a listening test found: votes unblinded, and every figure of its report."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from statistics import median
from typing import Any

from stemwright.errors import InputError
from stemwright.metrics.interval import Interval
from stemwright.metrics.paired import stars
from stemwright.metrics.preference import (
    Agreement,
    Preference,
    Strength,
    Vote,
    agreement,
    bradley_terry,
    linked_systems,
    preference,
    sign_test,
    wilson_interval,
)
from stemwright_platform.evaluation.listening_test.answer_key import AnswerKey
from stemwright_platform.evaluation.listening_test.attention import LEAST_PASSED, RaterRecord, judge_all
from stemwright_platform.evaluation.listening_test.result_file import LeftOut, Result
from stemwright_platform.evaluation.listening_test.system_folder import MIX
from stemwright_platform.evaluation.score_row import ScoreInfo, ScoreRow

FORMAT_VERSION = 1
SCORE = ScoreInfo(
    score="preference",
    label="RPR",
    about="Relative preference ratio (§5.1): share of blind votes that prefer this system over the one that "
    "the note names, 0 to 1, ties counted half",
    better="higher",
    decimals=2,
)
FEW_RATERS = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class PromptShare:
    """Votes about one clip, the first system of the pair against the second."""

    clip: str
    part: str
    prompt: str
    preference: Preference


@dataclass(frozen=True, kw_only=True, slots=True)
class QuestionOutcome:
    """All about one question, or about one part of the clips."""

    question: str
    part: str
    """"" for all parts together."""
    head_to_head: Sequence[Preference]
    """Each two systems that were compared, the one named first to `listen build` first."""
    strengths: Sequence[Strength]
    """The strongest first; where more than two systems are linked by votes, else empty."""
    agreement: Agreement
    prompts: Sequence[PromptShare]


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What the report says."""

    key: AnswerKey
    questions: Sequence[QuestionOutcome]
    raters: Sequence[RaterRecord]
    left_out: Sequence[LeftOut]
    """Files."""
    first_side: Interval
    """Share of votes for A, whatever it was, ties counted half: far from a half, raters favour a side."""
    first_side_p: float
    seconds: float
    """A pair, in the median."""

    @property
    def counted(self) -> list[RaterRecord]:
        """Raters whose answers count."""
        return [record for record in self.raters if not record.left_out]

    @property
    def cautions(self) -> list[str]:
        """What the figures cannot say."""
        return _cautions(self)


def find_outcome(
    results: Sequence[Result],
    left_out: Sequence[LeftOut],
    key: AnswerKey,
    *,
    least_passed: float = LEAST_PASSED,
) -> Outcome:
    """Every figure of the report. InputError where no rater's answers count."""
    raters = judge_all(results, key, least_passed=least_passed)
    counted = [record.result for record in raters if not record.left_out]
    if not counted:
        raise InputError(_nobody(raters, left_out))
    questions = [
        outcome
        for number, question in enumerate(key.questions)
        for outcome in _question(question, _votes(counted, key, number), key)
    ]
    a_side = [
        answer for result in counted for answer in result.answers if key.pairs[answer.pair].kind == "pair"
    ]
    firsts = sum(answer.choice == answer.first for answer in a_side)
    ties = sum(answer.choice == "tie" for answer in a_side)
    return Outcome(
        key=key,
        questions=questions,
        raters=raters,
        left_out=left_out,
        first_side=wilson_interval(firsts + ties / 2, len(a_side)),
        first_side_p=sign_test(firsts, len(a_side) - firsts - ties),
        seconds=median(answer.seconds for answer in a_side),
    )


def as_json(outcome: Outcome) -> dict[str, Any]:
    """The outcome for machines; NaN is None."""
    facts = {
        "format_version": FORMAT_VERSION,
        "test": outcome.key.test,
        "systems": outcome.key.systems,
        "raters": [_rater(record) for record in outcome.raters],
        "left_out": [asdict(entry) for entry in outcome.left_out],
        "first_side": {**asdict(outcome.first_side), "p_value": outcome.first_side_p},
        "median_seconds": outcome.seconds,
        "cautions": outcome.cautions,
        "questions": [
            {
                **asdict(one),
                "head_to_head": [{**asdict(pair), "stars": stars(pair.p_value)} for pair in one.head_to_head],
                "strengths": [{**asdict(entry), "share": entry.share} for entry in one.strengths],
            }
            for one in outcome.questions
        ],
        "scores_info": [asdict(SCORE)],
        "rows": [row.as_dict() for row in score_rows(outcome)],
    }
    return _without_nan(facts)


def score_rows(outcome: Outcome) -> list[ScoreRow]:
    """Each other system against the first, as Table 1 prints them: the share that prefers the other."""
    first = outcome.key.systems[0]
    return [
        ScoreRow(
            score=SCORE.score,
            system=pair.second,
            task="",
            part=one.part or MIX,
            value=1 - pair.share.value,
            low=1 - pair.share.high,
            high=1 - pair.share.low,
            n=pair.share.n,
            note=f"over {first}; {pair.share_by_rater.n} raters; {one.question}",
        )
        for one in outcome.questions
        for pair in one.head_to_head
        if pair.first == first
    ]


def _votes(results: Iterable[Result], key: AnswerKey, question: int) -> list[tuple[str, Vote]]:
    """The part that each vote on two systems is about, and the vote; the first system named first."""
    place = {name: number for number, name in enumerate(key.systems)}
    found = []
    for result in results:
        for answer in result.answers:
            pair = key.pairs[answer.pair]
            if answer.question != question or pair.kind != "pair":
                continue
            won = {"x": 1.0, "y": 0.0, "tie": 0.5}[answer.choice]
            names = (pair.x, pair.y)
            if place[pair.x] > place[pair.y]:
                names, won = names[::-1], 1 - won
            vote = Vote(rater=result.rater, item=answer.pair, first=names[0], second=names[1], won=won)
            found.append((pair.part, vote))
    return found


def _question(question: str, votes: Sequence[tuple[str, Vote]], key: AnswerKey) -> list[QuestionOutcome]:
    """Of all parts together and, where there are several, of each."""
    parts = list(dict.fromkeys(part for part, _ in votes))
    asked = ["", *sorted(parts, key=lambda part: (part != MIX, part))] if len(parts) > 1 else parts[:1]
    return [
        _part_outcome(question, part, [vote for of, vote in votes if part in ("", of)], key) for part in asked
    ]


def _part_outcome(question: str, part: str, votes: Sequence[Vote], key: AnswerKey) -> QuestionOutcome:
    met = {(vote.first, vote.second) for vote in votes}
    systems = {name for pair in met for name in pair}
    linked = len(linked_systems(votes)) == 1 and len(systems) > 2
    return QuestionOutcome(
        question=question,
        part=part,
        head_to_head=[preference(votes, *pair) for pair in combinations(key.systems, 2) if pair in met],
        strengths=bradley_terry(votes, by=_cluster(votes)) if linked else [],
        agreement=agreement(votes),
        prompts=_prompts(votes, key),
    )


def _cluster(votes: Sequence[Vote]) -> Any:
    """Raters, where there are enough to draw from; else pairs."""
    return "rater" if len({vote.rater for vote in votes}) >= FEW_RATERS else "item"


def _prompts(votes: Sequence[Vote], key: AnswerKey) -> list[PromptShare]:
    items: dict[str, list[Vote]] = {}
    for vote in votes:
        items.setdefault(vote.item, []).append(vote)
    shares = [
        PromptShare(
            clip=key.pairs[item].clip,
            part=key.pairs[item].part,
            prompt=key.pairs[item].prompt,
            preference=preference(of_item, of_item[0].first, of_item[0].second),
        )
        for item, of_item in items.items()
    ]
    order = {name: number for number, name in enumerate(key.systems)}
    return sorted(
        shares,
        key=lambda one: (
            order[one.preference.first],
            order[one.preference.second],
            -one.preference.share.value,
            one.clip,
        ),
    )


def _cautions(outcome: Outcome) -> list[str]:
    found = []
    raters = len(outcome.counted)
    if raters < FEW_RATERS:
        found.append(
            f"{raters} {'rater says' if raters == 1 else 'raters say'} little about other people: intervals "
            "over votes are about these pairs and these raters"
        )
    if outcome.first_side_p < 0.01:
        found.append(
            f"Raters favoured one side ({outcome.first_side.value:.0%} for A): sides are drawn anew for each "
            "rater, which evens it out and adds noise"
        )
    if any(len(one.head_to_head) > 2 and not one.strengths for one in outcome.questions):
        found.append("No chain of votes links all systems: there is no ranking of them all")
    return found


def _nobody(raters: Sequence[RaterRecord], left_out: Sequence[LeftOut]) -> str:
    reasons = [f"{record.result.file}: {record.left_out}" for record in raters]
    reasons += [f"{entry.file}: {entry.reason}" for entry in left_out]
    shown = "; ".join(reasons[:5]) + ("; …" if len(reasons) > 5 else "")
    return f"no rater's answers count ({shown or 'no files'}): give results of this test"


def _rater(record: RaterRecord) -> dict[str, Any]:
    result = record.result
    return {
        "rater": result.rater,
        "name": result.name,
        "file": result.file,
        "through": result.through,
        "finished": result.finished,
        "pairs": record.answered,
        "checks_passed": record.passed,
        "checks": record.checks,
        "left_out": record.left_out,
    }


def _without_nan(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _without_nan(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(entry) for entry in value]
    return value

"""The report of a listening test as one HTML page."""

import math
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from stemwright.metrics.interval import Interval
from stemwright.metrics.paired import stars
from stemwright.metrics.preference import Preference, Strength
from stemwright_platform.evaluation.listening_test.outcome import Outcome, QuestionOutcome
from stemwright_platform.page_resource import page_resource
from stemwright_platform.time_left import duration_text

MOST_PROMPTS = 200
_NARROWEST = 0.5  # half of the axis of strengths, in log-odds


def render(outcome: Outcome) -> str:
    """The page's HTML; it needs no network."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(page_resource("evaluation.listening_test", "outcome_page.html.j2")).render(
        outcome=outcome,
        verdict=verdict(outcome),
        facts=_facts(outcome),
        questions=[_drawn(one) for one in outcome.questions],
        most_prompts=MOST_PROMPTS,
        style=Markup(
            page_resource("demo", "report.css")
            + page_resource("evaluation.listening_test", "outcome_page.css")
        ),
    )


def verdict(outcome: Outcome) -> str:
    """The first question's comparisons in a sentence."""
    told = [sentence(pair) for pair in outcome.questions[0].head_to_head]
    return " ".join(told[:3]) + (" …" if len(told) > 3 else "")


def sentence(pair: Preference) -> str:
    """As "ours was preferred over theirs in 70 % of 40 votes (p = 0.01)."."""
    ahead, behind, share = (
        (pair.first, pair.second, pair.share.value)
        if pair.share.value >= 0.5
        else (pair.second, pair.first, 1 - pair.share.value)
    )
    votes = f"{pair.share.n} vote{'' if pair.share.n == 1 else 's'}"
    if pair.p_value >= 0.05:
        return (
            f"{ahead} and {behind} cannot be told apart by {votes}: {percent(share)} for {ahead} "
            f"({probability(pair.p_value)})."
        )
    return (
        f"{ahead} was preferred over {behind} in {percent(share)} of {votes} ({probability(pair.p_value)})."
    )


def percent(share: float) -> str:
    """As "70 %"; a dash where it is not known."""
    return "–" if math.isnan(share) else f"{100 * share:.0f} %"


def span(interval: Interval) -> str:
    """As "55–82 %"."""
    return "–" if math.isnan(interval.low) else f"{100 * interval.low:.0f}–{100 * interval.high:.0f} %"


def probability(p_value: float) -> str:
    """As "p = 0.03", "p < 0.001"."""
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}" if p_value < 0.1 else f"p = {p_value:.2f}"


def _facts(outcome: Outcome) -> dict[str, str]:
    counted, votes = outcome.counted, sum(record.answered for record in outcome.counted)
    checks, passed = sum(one.checks for one in counted), sum(one.passed for one in counted)
    return {
        "systems": str(len(outcome.key.systems)),
        "raters": f"{len(counted)} of {len(outcome.raters)} counted",
        "pairs judged": f"{votes:,}",
        "attention checks passed": f"{passed} of {checks}" if checks else "none asked",
        "time a pair": duration_text(outcome.seconds),
        "votes for A": f"{percent(outcome.first_side.value)} ({probability(outcome.first_side_p)})",
    }


def _drawn(one: QuestionOutcome) -> dict[str, Any]:
    """A question's figures as places on axes, in percent of the width."""
    return {
        "of": one,
        "pairs": [_drawn_pair(pair) for pair in one.head_to_head],
        "strengths": _drawn_strengths(one.strengths),
        "agreement": _agreement(one),
        "prompts": [
            {"of": prompt, "bars": _bars(prompt.preference)} for prompt in one.prompts[:MOST_PROMPTS]
        ],
    }


def _drawn_pair(pair: Preference) -> dict[str, Any]:
    return {
        "of": pair,
        "at": 100 * pair.share.value,
        "low": 100 * pair.share.low,
        "width": 100 * (pair.share.high - pair.share.low),
        "share": percent(pair.share.value),
        "stars": stars(pair.p_value),
        "span": span(pair.share),
        "rater_span": span(pair.share_by_rater),
        "rater_p": probability(pair.p_value_by_rater),
        "p_value": probability(pair.p_value),
    }


def _drawn_strengths(strengths: Sequence[Strength]) -> list[dict[str, Any]]:
    bounds = [
        abs(edge)
        for one in strengths
        for edge in (one.log_strength.low, one.log_strength.high)
        if edge == edge
    ]
    reach = max([_NARROWEST, *bounds, *(abs(one.log_strength.value) for one in strengths)]) * 1.05

    def place(value: float) -> float:
        return 50 + 50 * value / reach

    return [
        {
            "of": one,
            "at": place(value.value),
            "low": place(value.value if math.isnan(value.low) else value.low),
            "width": 0 if math.isnan(value.low) else place(value.high) - place(value.low),
            "share": percent(one.share),
            "span": "–"
            if math.isnan(value.low)
            else f"{value.low:+.2f} to {value.high:+.2f}".replace("-", "−"),
            "log": f"{value.value:+.2f}".replace("-", "−"),
        }
        for one in strengths
        for value in (one.log_strength,)
    ]


def _agreement(one: QuestionOutcome) -> str:
    found = one.agreement
    if not found.items:
        return "No pair was answered by two raters."
    alpha = f"{found.alpha:.2f}".replace("-", "−")
    return (
        f"Two raters gave the same answer to a pair in {percent(found.percent)} of cases; Krippendorff's α "
        f"is {alpha} (1 is full agreement, 0 what chance gives), over {found.items} pairs with up to "
        f"{found.raters} raters each."
    )


def _bars(pair: Preference) -> list[float]:
    """Shares of votes for the first, ties and the second, in percent."""
    return [100 * count / pair.share.n for count in (pair.wins, pair.ties, pair.losses)]

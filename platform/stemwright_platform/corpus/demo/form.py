"""The form of a song: which sections it has, and how many bars each lasts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

ENERGY: dict[str, float] = {
    "intro": 0.45,
    "verse": 0.6,
    "chorus": 0.92,
    "bridge": 0.5,
    "solo": 0.78,
    "breakdown": 0.3,
    "break": 0.55,
    "outro": 0.5,
    "ending": 0.75,
}
"""Kind of section → how hard it is played, 0…1."""

_LETTERS = {"V": "verse", "C": "chorus", "B": "bridge", "S": "solo", "K": "breakdown"}
ORDERS: dict[str, tuple[str, ...]] = {
    "song": (
        *("V", "VC", "VVC", "VCVC", "VCBC", "VVCVC", "VCVBC", "VCVCBC", "VCSVBC", "VCVCSC"),
        *("VVCVCBC", "VCVCBCC", "VCVCSBC", "VCVCSVBC", "VVCVCBVC", "VCVCBVCC", "VVCVVCSBC", "VCVCSVCBCC"),
    ),
    "strophic": (
        *("V", "VV", "VSV", "VBV", "VVSV", "VVBV", "VSSV", "VVSSV", "VVBVS", "VSVSV", "VVBVSV"),
        *("VVSSSV", "VVBVSSV", "VVBVSSBV", "VVBVSSBVV"),
    ),
    "club": (
        *("V", "VC", "VKC", "VCKC", "VCVKC", "VCKVC", "VCKCC", "VCKCVC", "VCVCKC", "VVCKVC"),
        *("VVCKVCC", "VCVCKVC", "VCKCVCKC", "VVCCKVCKCC"),
    ),
}
"""Kind of form → orders of its sections, between the intro and the outro."""

SMALL_BARS = 12
"""A song of fewer bars has no room for a form: everybody plays all the time."""
SECTION_S = (9.5, 26.0)
"""A section is shortened or doubled where it would last less or more."""


@dataclass(frozen=True, slots=True)
class Span:
    """A section before it has music."""

    kind: str
    """One of ENERGY."""
    bars: int


def plan_form(
    form: str, bars: int, phrase_bars: Mapping[str, int], bar_s: float, rng: np.random.Generator
) -> list[Span]:
    """Sections of `bars` bars in all, at least 1.

    `form` is one of ORDERS, `phrase_bars` the length of the progression of verse, chorus and bridge.
    """
    if bars < SMALL_BARS:
        return _small(bars)
    intro, outro = _edges(bars, bar_s, rng)
    ending = int(rng.random() < 0.75)
    room = bars - intro - outro - ending
    lengths = {kind: section_bars(phrase_bars[_harmony(kind)], bar_s) for kind in _LETTERS.values()}
    order = _filled(_order(form, room, lengths, rng), room, lengths, rng)
    spans = _stretched([Span(kind, lengths[kind]) for kind in order], room, rng)
    edges = Span("intro", intro), Span("outro", outro), Span("ending", ending)
    return [span for span in (edges[0], *spans, *edges[1:]) if span.bars]


def section_bars(phrase_bars: int, bar_s: float) -> int:
    """A length that holds whole progressions and lasts neither a moment nor for ever: mostly 8 bars."""
    bars = phrase_bars
    while bars < 8:
        bars *= 2
    if bars * bar_s < SECTION_S[0]:
        return bars * 2
    if bars * bar_s > SECTION_S[1] and bars % (2 * phrase_bars) == 0:
        return bars // 2
    return bars


def _harmony(kind: str) -> str:
    """The section whose progression a kind of section has."""
    return {"solo": "verse", "breakdown": "chorus"}.get(kind, kind)


def _small(bars: int) -> list[Span]:
    """Eight bars of verse, then a chorus."""
    return [
        Span(kind, length) for kind, length in (("verse", min(bars, 8)), ("chorus", bars - 8)) if length > 0
    ]


def _edges(bars: int, bar_s: float, rng: np.random.Generator) -> tuple[int, int]:
    """Bars of intro and outro: none or two where there is little room."""
    if bars < 20:
        return int(rng.choice([0, 2])), 0
    long = 8 if bar_s < 1.6 and bars >= 48 else 4
    intro = int(rng.choice([0, 2, 4, long], p=[0.1, 0.15, 0.4, 0.35]))
    return intro, int(rng.choice([2, 4, long], p=[0.25, 0.45, 0.3]))


def _order(form: str, room: int, lengths: Mapping[str, int], rng: np.random.Generator) -> list[str]:
    """One of the longest orders that fit into `room` bars, repeating itself where that is very long."""

    def total(order: str) -> int:
        return sum(lengths[_LETTERS[letter]] for letter in order)

    again = "VC" if form != "strophic" else "VS"
    orders = list(ORDERS[form])
    longest = max(orders, key=total)
    head = again * max((room - total(longest)) // total(again), 0)
    fitting = [head + order for order in orders if total(head + order) <= room] or ["V"]
    best = max(total(order) for order in fitting)
    close = [order for order in fitting if total(order) > best - 12]
    # A verse twice over is no song where a verse and a chorus fit.
    close = [order for order in close if "C" in order] or close
    return [_LETTERS[letter] for letter in close[int(rng.integers(len(close)))]]


def _filled(order: list[str], room: int, lengths: Mapping[str, int], rng: np.random.Generator) -> list[str]:
    """The order with sections doubled as long as there is room, single ones first."""
    order = list(order)
    while True:
        over = room - sum(lengths[kind] for kind in order)
        places = [
            place
            for place, kind in enumerate(order)
            if kind in ("verse", "chorus", "solo") and lengths[kind] <= over
        ]
        single = [place for place in places if order[place] not in _beside(order, place)]
        if not places:
            return order
        among = single or places
        place = among[int(rng.integers(len(among)))]
        order.insert(place, order[place])


def _beside(order: Sequence[str], place: int) -> list[str]:
    return [*order[max(place - 1, 0) : place], *order[place + 1 : place + 2]]


def _stretched(spans: Sequence[Span], room: int, rng: np.random.Generator) -> list[Span]:
    """The sections with the bars that are left over: a break before the last one, then longer sections."""
    over = room - sum(span.bars for span in spans)
    *before, last = spans
    if over < 0:
        return [*before, Span(last.kind, last.bars + over)]
    # After a breakdown or a bridge a break would only be more of the same.
    if over >= 2 and before and before[-1].kind in ("verse", "chorus", "solo") and rng.random() < 0.7:
        pause = min(over, 4)
        before.append(Span("break", pause))
        over -= pause
    if before and over >= 4:
        place = int(rng.integers(len(before)))
        before[place] = Span(before[place].kind, before[place].bars + 4)
        over -= 4
    return [*before, Span(last.kind, last.bars + over)]

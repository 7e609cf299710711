"""Who plays where: a song's form turned into the bars in which each track sounds or rests."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stemwright_platform.corpus.demo.form import Span

TRACKS = ("bass", "drums", "instrument", "melody")
LONG_BARS = 24
"""A song of fewer bars has everybody in every section but intro, breaks and outro."""
ABSENT_SHARE = 0.08
"""Of long songs: those that do without one track from the first bar to the last."""

Cast = dict[str, frozenset[int]]
"""Track → places of the bars of a section in which it plays."""

INTROS = ("stack", "stack", "instrument", "bass drums", "drums", "bass drums instrument", "instrument melody")
"""Who plays an intro; "stack": one after another."""
PLAYERS: dict[str, tuple[str, ...]] = {
    "break": ("drums", "drums", "bass drums", "instrument", "instrument melody", "bass instrument melody"),
    "breakdown": ("instrument", "instrument melody", "bass instrument", "drums"),
    "bridge": (
        *("instrument melody", "bass instrument melody"),
        *("bass drums instrument melody", "bass drums melody"),
    ),
    "solo": ("all", "all", "bass drums melody"),
}
"""Kind of section → who may play it; everybody plays the others."""
OUTROS = ("leave", "leave", "instrument", "bass drums instrument", "instrument melody", "all")
"""Who plays an outro; "leave": ever fewer."""
LEAST_SHARE = 0.3
"""Of a song's bars: a track that plays in fewer plays in all verses, choruses and solos."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Habits:
    """What a song does all the way through."""

    absent: str | None
    """A track that it does without."""
    verses_without: str | None
    """A track that rests in every verse."""
    first_verse_without: str | None
    """A track that comes in halfway through the first verse, or after it."""
    waits_whole_verse: bool
    """Whether that one waits for the end of the verse."""
    chorus_build: bool
    """Whether it builds up to its choruses."""


def draw_habits(bars: int, can_miss: Sequence[str], rng: np.random.Generator) -> Habits:
    """The habits of a song of so many bars; `can_miss` are tracks that its genre can do without."""
    if bars < LONG_BARS:
        return Habits(
            absent=None,
            verses_without=None,
            first_verse_without=None,
            waits_whole_verse=False,
            chorus_build=False,
        )
    return Habits(
        absent=_one(can_miss, rng) if can_miss and rng.random() < ABSENT_SHARE else None,
        verses_without=_one(("melody", "instrument", "drums", "bass"), rng) if rng.random() < 0.3 else None,
        first_verse_without=_one(TRACKS, rng) if rng.random() < 0.6 else None,
        waits_whole_verse=rng.random() < 0.4,
        chorus_build=rng.random() < 0.35,
    )


def cast_song(spans: Sequence[Span], habits: Habits, rng: np.random.Generator) -> list[Cast]:
    """Who plays in each section: somebody in every bar, and every track but the absent one in many bars."""
    is_long = sum(span.bars for span in spans) >= LONG_BARS
    kinds = [span.kind for span in spans]
    casts: list[Cast] = []
    for index, span in enumerate(spans):
        cast = _cast(span, habits, is_first_verse=span.kind not in kinds[:index], rng=rng)
        following = kinds[index + 1] if index + 1 < len(kinds) else ""
        casts.append(_with_stop(cast, span, following, rng) if is_long and following else cast)
    casts = [_without(cast, habits.absent, span) for cast, span in zip(casts, spans, strict=True)]
    return _with_share_for_all(casts, spans, habits.absent)


def _cast(span: Span, habits: Habits, *, is_first_verse: bool, rng: np.random.Generator) -> Cast:
    """Who plays in a section, stops aside."""
    match span.kind:
        case "verse":
            return _verse(span, habits, is_first=is_first_verse)
        case "intro":
            return _stacked(span, rng) if (who := _one(INTROS, rng)) == "stack" else _only(who, span)
        case "outro":
            return _leaving(span, rng) if (who := _one(OUTROS, rng)) == "leave" else _only(who, span)
    return _only(_one(PLAYERS.get(span.kind, ("all",)), rng), span)


def _verse(span: Span, habits: Habits, *, is_first: bool) -> Cast:
    cast = _only("all", span)
    if habits.verses_without:
        cast[habits.verses_without] = frozenset()
    if is_first and (late := habits.first_verse_without) and late != habits.verses_without:
        cast[late] = frozenset(range(span.bars if habits.waits_whole_verse else span.bars // 2, span.bars))
    return cast


def _only(who: str, span: Span) -> Cast:
    names = TRACKS if who == "all" else who.split()
    return {track: frozenset(range(span.bars if track in names else 0)) for track in TRACKS}


def _stacked(span: Span, rng: np.random.Generator) -> Cast:
    """One after another comes in, the melody not before the verse."""
    order = [str(track) for track in rng.permutation(TRACKS[:3])]
    starts = {track: place * span.bars // 3 for place, track in enumerate(order)}
    return {track: frozenset(range(starts.get(track, span.bars), span.bars)) for track in TRACKS}


def _leaving(span: Span, rng: np.random.Generator) -> Cast:
    """One after another falls silent; one plays to the end."""
    order = [str(track) for track in rng.permutation(TRACKS)]
    return {track: frozenset(range(span.bars - place * span.bars // 4)) for place, track in enumerate(order)}


def _with_stop(cast: Cast, span: Span, following: str, rng: np.random.Generator) -> Cast:
    """Now and then all but one rest: in the last bar before a chorus, or in the middle of a section."""
    into_chorus = following in ("chorus", "solo") and span.kind in ("verse", "bridge")
    if into_chorus and rng.random() < 0.3:
        places = {span.bars - 1}
    elif span.kind in ("chorus", "verse", "solo") and span.bars >= 8 and rng.random() < 0.12:
        middle = span.bars // 2
        places = {middle - 1} if rng.random() < 0.6 else {middle - 2, middle - 1}
    else:
        return cast
    playing = [track for track in TRACKS if places <= cast[track]]
    if len(playing) < 2:
        return cast
    alone = _one(playing, rng)
    return {track: bars if track == alone else bars - places for track, bars in cast.items()}


def _without(cast: Cast, absent: str | None, span: Span) -> Cast:
    """The cast less the absent track, with somebody in every bar."""
    cast = {track: frozenset() if track == absent else bars for track, bars in cast.items()}
    silent = frozenset(range(span.bars)).difference(*cast.values())
    stand_in = "bass" if absent == "instrument" else "instrument"
    return cast | {stand_in: cast[stand_in] | silent}


def _with_share_for_all(casts: Sequence[Cast], spans: Sequence[Span], absent: str | None) -> list[Cast]:
    num_bars = sum(span.bars for span in spans)
    rare = [
        track
        for track in TRACKS
        if track != absent and sum(len(cast[track]) for cast in casts) < LEAST_SHARE * num_bars
    ]
    full = [span.kind in ("verse", "chorus", "solo") for span in spans]
    return [
        cast | {track: frozenset(range(span.bars)) for track in rare} if is_full else cast
        for cast, span, is_full in zip(casts, spans, full, strict=True)
    ]


def _one(choices: Sequence[str], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]

"""A whole song as notes: key, tempo, form, progressions and groove, then what each track plays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from stemwright_platform.corpus.demo import drums, parts
from stemwright_platform.corpus.demo.bar import Bar
from stemwright_platform.corpus.demo.casting import Cast, Habits, cast_song, draw_habits
from stemwright_platform.corpus.demo.feel import draw_feel, played
from stemwright_platform.corpus.demo.form import ENERGY, Span, plan_form
from stemwright_platform.corpus.demo.genre import Genre, Groove
from stemwright_platform.corpus.demo.harmony import Key, Progression, chord, progression
from stemwright_platform.corpus.demo.note import Note, without_overlaps
from stemwright_platform.corpus.demo.section import Section

RISES = {"verse": 0.08, "intro": 0.15, "breakdown": 0.3, "bridge": 0.2, "solo": 0.1, "outro": -0.15}
"""Kind of section → energy that it gains on its way."""
ENERGY_STEP = 0.06
"""Energy that a section has more than the one of its kind before it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrangement:
    """A song as notes. Beats count from its first downbeat; a pickup has negative ones."""

    genre: Genre
    groove: Groove
    key: Key
    tempo_bpm: int
    lead_in_beats: float
    """Before the first downbeat, less than a bar: silence, a count-in or a pickup."""
    sections: tuple[Section, ...]
    programs: dict[str, int]
    """Track → General MIDI program; the drums' is their kit."""
    notes: dict[str, list[Note]]
    """Track → sorted notes in beats, swung and humanised; none where the song lacks the track."""

    @property
    def bars(self) -> int:
        return sum(len(section.bars) for section in self.sections)

    @property
    def beats(self) -> float:
        """Of the bars alone."""
        return float(self.bars * self.genre.beats_per_bar)

    @property
    def duration_s(self) -> float:
        """Of lead-in and bars, without the ringing after the last one."""
        return self.at_s(self.beats)

    @property
    def downbeats_s(self) -> list[float]:
        """The first beat of each bar, from the start of the audio."""
        return [round(self.at_s(bar * self.genre.beats_per_bar), 6) for bar in range(self.bars)]

    def at_s(self, beat: float) -> float:
        """A beat's time from the start of the audio."""
        return (self.lead_in_beats + beat) * 60 / self.tempo_bpm

    def style_names(self, track: str) -> tuple[str, ...]:
        """The patterns that "bass" or "instrument" plays somewhere, as `Groove` has them."""
        heard = [section for section in self.sections if section.playing[track]]
        return tuple(dict.fromkeys(one.bass if track == "bass" else one.comping for one in heard))


def arrange(genre: Genre, duration_s: float, rng: np.random.Generator) -> Arrangement:
    """A song of the genre: as many whole bars as fit into `duration_s` after the lead-in, at least one."""
    tempo_bpm = int(rng.integers(genre.tempo_bpm[0], genre.tempo_bpm[1] + 1))
    key = Key(int(rng.integers(12)), _one(list(genre.progressions), rng))
    groove = genre.grooves[int(rng.integers(len(genre.grooves)))]
    bar_s = genre.beats_per_bar * 60 / tempo_bpm
    lead_in_beats = float(rng.uniform(0, genre.beats_per_bar))
    bars = max(1, int(duration_s / bar_s - lead_in_beats / genre.beats_per_bar + 1e-6))
    programs = _programs(genre, rng)
    chords = _progressions(genre, key, rng)
    phrase_bars = {kind: len(one) for kind, one in chords.items()}
    spans = plan_form(genre.form, bars, phrase_bars, bar_s, rng)
    habits = draw_habits(bars, genre.can_miss, rng)
    sections = _sections(genre, groove, key, chords, spans, habits, rng)
    written = {
        "bass": parts.bass_part(sections, groove.drums, rng),
        "drums": parts.drum_part(genre, groove.drums, sections, rng),
        "instrument": parts.comping_part(sections, programs["instrument"]),
        "melody": parts.melody_part(genre, sections, programs["melody"], rng),
    }
    if written["drums"] and min(note.start for note in written["drums"]) < 1 and rng.random() < 0.2:
        written["drums"] += drums.count_in(int(lead_in_beats))
    feel = draw_feel(genre, rng)
    notes = {
        name: _fitted(
            played(track, name, feel, genre, tempo_bpm, rng), lead_in_beats, bars * genre.beats_per_bar
        )
        for name, track in written.items()
    }
    return Arrangement(
        genre=genre,
        groove=groove,
        key=key,
        tempo_bpm=tempo_bpm,
        lead_in_beats=lead_in_beats,
        sections=tuple(sections),
        programs=programs,
        notes=notes,
    )


def _fitted(notes: Sequence[Note], lead_in_beats: float, end: float) -> list[Note]:
    """The notes that fit in, the first of them not before the audio."""
    # A note at the very start may be early; a pickup that does not fit is left out.
    heard = [
        note._replace(start=max(note.start, -lead_in_beats))
        for note in notes
        if note.start > -lead_in_beats - 0.05
    ]
    return without_overlaps(heard, end)


def _programs(genre: Genre, rng: np.random.Generator) -> dict[str, int]:
    comping_program = int(rng.choice(genre.comping_programs))
    leads = [program for program in genre.melody_programs if program != comping_program]
    return {
        "bass": int(rng.choice(genre.bass_programs)),
        "drums": int(rng.choice(genre.kits)),
        "instrument": comping_program,
        "melody": int(rng.choice(leads)),
    }


def _progressions(genre: Genre, key: Key, rng: np.random.Generator) -> dict[str, Progression]:
    """Those of verse, chorus and bridge, in the key's mode; a genre with few uses them again."""
    texts = [str(text) for text in rng.permutation(genre.progressions[key.mode])]
    verse, chorus = progression(texts[0], key), progression(texts[1 % len(texts)], key)
    bridge = (
        progression(texts[2], key) if len(texts) > 2 else verse[len(verse) // 2 :] + verse[: len(verse) // 2]
    )
    return {"verse": verse, "chorus": chorus, "bridge": bridge}


def _sections(
    genre: Genre,
    groove: Groove,
    key: Key,
    chords: Mapping[str, Progression],
    spans: Sequence[Span],
    habits: Habits,
    rng: np.random.Generator,
) -> list[Section]:
    compings = [str(one) for one in rng.permutation(groove.comping)]
    basses = [str(one) for one in rng.permutation(groove.bass)]
    harmonies = [_harmony(span.kind, key, chords) for span in spans]
    sections: list[Section] = []
    first = 0
    for index, (span, cast) in enumerate(zip(spans, cast_song(spans, habits, rng), strict=True)):
        following = spans[index + 1] if index + 1 < len(spans) else None
        build = _build_bars(span, following, cast, habits)
        energy = _energy(span, spans[:index])
        sections.append(
            Section(
                kind=span.kind,
                bars=_bars(genre, key, harmonies[index : index + 2], first, span.bars),
                playing=cast | {"drums": cast["drums"] | frozenset(range(span.bars - build, span.bars))},
                energy=energy,
                rise=RISES.get(span.kind, 0.0),
                build_bars=build,
                bass=_style(span.kind, energy, basses),
                comping=_style(span.kind, energy, compings),
            )
        )
        first += span.bars
    return sections


def _harmony(kind: str, key: Key, chords: Mapping[str, Progression]) -> Progression:
    """The progression of a kind of section; an ending has the tonic."""
    if kind == "ending":
        return ((chord("i" if key.is_dark else "I", key),),)
    return chords.get(kind, chords["chorus" if kind in ("breakdown", "break") else "verse"])


def _energy(span: Span, before: Sequence[Span]) -> float:
    """A kind's energy, more each time that it comes again."""
    again = sum(one.kind == span.kind for one in before)
    return min(ENERGY[span.kind] + ENERGY_STEP * again, 1.0)


def _build_bars(span: Span, following: Span | None, cast: Cast, habits: Habits) -> int:
    """Bars of build-up: breakdowns have them, and verses where the song builds up to its choruses."""
    if following is None or following.kind != "chorus" or span.bars < 4 or habits.absent == "drums":
        return 0
    if span.kind == "breakdown":
        return 4 if span.bars >= 8 else 2
    builds = habits.chorus_build and span.kind in ("verse", "bridge") and span.bars - 1 in cast["drums"]
    return 2 if builds else 0


def _style(kind: str, energy: float, patterns: Sequence[str]) -> str:
    """The pattern of a kind of section: held notes where little happens, the chorus's own, or the verse's."""
    if kind == "ending" or energy < 0.4:
        return "long"
    if kind in ("chorus", "break"):
        return patterns[1 % len(patterns)]
    return patterns[2 % len(patterns)] if kind == "bridge" else patterns[0]


def _bars(
    genre: Genre, key: Key, harmonies: Sequence[Progression], first: int, length: int
) -> tuple[Bar, ...]:
    """The bars of a section; `harmonies` are its own and, where one follows, the next section's."""
    return tuple(
        Bar(
            number=first + place,
            place=place,
            key=key,
            chords=harmonies[0],
            steps_per_bar=genre.steps_per_bar,
            steps_per_beat=genre.steps_per_beat,
            section_bars=length,
            following=harmonies[-1],
        )
        for place in range(length)
    )


def _one(choices: Sequence[str], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]

"""What each of the four players plays in a song's sections, as written: in straight time."""

from collections.abc import Iterator, Sequence

import numpy as np

from stemwright_platform.corpus.demo import bass, comping, drums, melody
from stemwright_platform.corpus.demo.bar import Bar
from stemwright_platform.corpus.demo.genre import Genre
from stemwright_platform.corpus.demo.instruments import CENTRES
from stemwright_platform.corpus.demo.note import Note
from stemwright_platform.corpus.demo.section import Section

STRUMMED = (24, 25, 27, 29, 30, 105)
"""Programs whose chords are strummed."""
LIFT = {"chorus": 3, "solo": 4, "bridge": -2}
"""Kind of section → semitones that its melody lies higher than the verse's."""
LAST_LIFT = 2
"""Semitones more in the last chorus."""


def drum_part(
    genre: Genre, groove: dict[str, str], sections: Sequence[Section], rng: np.random.Generator
) -> list[Note]:
    """The groove at each section's energy, with build-ups, fills before new sections, crashes after them."""
    verse = drums.vary(groove, genre.steps_per_bar, rng)
    chorus = drums.vary(verse, genre.steps_per_bar, rng)
    softens = rng.random() < 0.5
    notes: list[Note] = []
    for section, following in _with_following(sections):
        pattern = chorus if section.kind in ("chorus", "solo") else verse
        for bar in section.bars:
            if not section.plays("drums", bar):
                continue
            energy = section.energy_at(bar)
            if section.kind == "ending":
                notes += drums.crash(bar.beat(0), 0.6 + 0.4 * energy)
            elif section.builds_at(bar):
                left = len(section.bars) - bar.place
                notes += drums.play_build(bar, left, section.build_bars, has_kick=section.kind == "breakdown")
            else:
                kit = drums.at_energy(pattern, energy, genre.steps_per_beat, softens=softens)
                fill = _fill(section, bar, following, rng)
                groove_notes = drums.play_bar(kit, bar, energy)
                notes += [note for note in groove_notes if not fill or note.start < fill[0].start] + fill
            if bar.place == 0 and section.energy > 0.55 and _is_crashed(section, sections, rng):
                notes += drums.crash(bar.beat(0), 0.6 + 0.4 * energy)
    return notes


def _fill(section: Section, bar: Bar, following: Section | None, rng: np.random.Generator) -> list[Note]:
    """What the drums play at the end of a bar: mostly a fill before a new section, seldom one elsewhere."""
    force = 0.6 + 0.4 * section.energy_at(bar)
    if bar.is_last and following and following.kind != "ending":
        wants = rng.random() < 0.85
        longest = 4 if following.kind == "chorus" else 2
    else:
        wants = bar.place % 4 == 3 and not bar.is_last and rng.random() < 0.25
        longest = 2
    beats = min(int(rng.integers(1, longest + 1)), bar.steps_per_bar // bar.steps_per_beat)
    return drums.play_fill(bar, beats, force, rng) if wants else []


def _is_crashed(section: Section, sections: Sequence[Section], rng: np.random.Generator) -> bool:
    """Whether a section begins with a crash: choruses do, others now and then, the first one not."""
    return section is not sections[0] and (section.kind == "chorus" or rng.random() < 0.5)


def bass_part(sections: Sequence[Section], groove: dict[str, str], rng: np.random.Generator) -> list[Note]:
    """The bass line of each section, louder with its energy, some with a pickup to the next one."""
    notes: list[Note] = []
    for section, following in _with_following(sections):
        for bar in section.bars:
            if not section.plays("bass", bar):
                continue
            goes_on = following is not None and following.plays("bass", following.bars[0])
            pickup = bar.is_last and goes_on and section.kind != "ending" and rng.random() < 0.4
            played = bass.play_bar(section.bass, bar, groove, rng, pickup=pickup)
            notes += _at_force(played, 0.76 + 0.24 * section.energy_at(bar))
    return notes


def comping_part(sections: Sequence[Section], program: int) -> list[Note]:
    """The chords of each section, voiced near one another; fuller in the last chorus."""
    choruses = [section for section in sections if section.kind == "chorus"]
    notes: list[Note] = []
    voicing: tuple[int, ...] | None = None
    for section in sections:
        doubled = len(choruses) > 1 and section is choruses[-1]
        for bar in section.bars:
            if not section.plays("instrument", bar):
                continue
            played, voicing = comping.play_bar(
                section.comping, bar, voicing, strummed=program in STRUMMED, doubled=doubled
            )
            notes += _at_force(played, 0.72 + 0.28 * section.energy_at(bar))
    return notes


def melody_part(
    genre: Genre, sections: Sequence[Section], program: int, rng: np.random.Generator
) -> list[Note]:
    """Two-bar phrases in a form such as AABA, on motifs of the kind of section; a solo makes up its own."""
    motifs = {
        kind: {letter: melody.make_motif(genre.rhythms, rng) for letter in "ABC"}
        for kind in ("verse", "chorus", "bridge")
    }
    form = melody.FORMS[int(rng.integers(len(melody.FORMS)))]
    last_chorus = next((one for one in reversed(sections) if one.kind == "chorus"), None)
    notes: list[Note] = []
    for section in sections:
        lift = LIFT.get(section.kind, 0) + (LAST_LIFT if section is last_chorus else 0)
        centre = CENTRES.get(program, 71) + lift
        own = motifs.get(section.kind, motifs["chorus" if section.kind == "solo" else "verse"])
        for phrase, bar in enumerate(section.bars[::2]):
            motif = own[form[phrase % len(form)]]
            if section.kind == "solo":
                motif = melody.make_motif(genre.rhythms, rng)
            elif phrase % 2 and rng.random() < 0.6:
                motif = melody.vary(motif, rng)
            tacet = section.kind == "verse" and phrase % 4 == 3 and rng.random() < 0.25
            notes += [] if tacet else _phrase(genre, section, bar, motif, centre, rng)
    return notes


def _phrase(
    genre: Genre,
    section: Section,
    bar: Bar,
    motif: melody.Motif,
    centre: int,
    rng: np.random.Generator,
) -> list[Note]:
    """The notes of a phrase that lie in bars in which the melody plays; a first one may have a pickup."""
    if section.kind == "ending":
        return _at_force([melody.last_note(bar, centre)], 0.85) if section.plays("melody", bar) else []
    played = melody.play_phrase(motif, bar, len(section.bars) - bar.place, centre, genre.melody_scale)
    beats = bar.steps_per_bar / bar.steps_per_beat
    first_beat = bar.beat(0)
    heard = [
        note
        for note in played
        if bar.place + int((note.start - first_beat) / beats) in section.playing["melody"]
    ]
    begins = bar.place == 0 and bar.place in section.playing["melody"] and bool(heard)
    if begins and heard[0].start == first_beat and rng.random() < 0.45:
        count, rising = int(rng.integers(1, 4)), rng.random() < 0.7
        heard = melody.play_pickup(heard[0], bar, count, centre, genre.melody_scale, rising=rising) + heard
    return _at_force(heard, 0.78 + 0.22 * section.energy_at(bar))


def _at_force(notes: Sequence[Note], force: float) -> list[Note]:
    return [note._replace(velocity=round(note.velocity * force)) for note in notes]


def _with_following(sections: Sequence[Section]) -> Iterator[tuple[Section, Section | None]]:
    return zip(sections, (*sections[1:], None), strict=True)

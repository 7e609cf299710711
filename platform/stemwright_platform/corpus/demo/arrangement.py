"""A whole song as notes: key, tempo, progression, groove, sections, then the four tracks bar by bar."""

from dataclasses import dataclass

import numpy as np

from stemwright_platform.corpus.demo import bass, comping, drums, melody
from stemwright_platform.corpus.demo.bar import Bar
from stemwright_platform.corpus.demo.genre import Genre, Groove
from stemwright_platform.corpus.demo.harmony import Key, Progression, progression
from stemwright_platform.corpus.demo.instruments import CENTRES
from stemwright_platform.corpus.demo.note import Note, without_overlaps

STRUMMED = (24, 25, 27, 29, 30, 105)
"""Programs whose chords are strummed."""
SECTION_BARS = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrangement:
    """A song as notes."""

    genre: Genre
    groove: Groove
    key: Key
    tempo_bpm: int
    bars: int
    programs: dict[str, int]
    """Track → General MIDI program; the drums' is their kit."""
    styles: tuple[str, ...]
    """The bass and comping patterns that are played somewhere, as `Groove` has them."""
    notes: dict[str, list[Note]]
    """Track → sorted notes in beats, swung and humanised."""

    @property
    def beats(self) -> float:
        return float(self.bars * self.genre.beats_per_bar)

    @property
    def duration_s(self) -> float:
        """Of the bars alone, without the ringing after the last one."""
        return self.beats * 60 / self.tempo_bpm

    @property
    def downbeats_s(self) -> list[float]:
        bar_s = self.genre.beats_per_bar * 60 / self.tempo_bpm
        return [round(bar * bar_s, 6) for bar in range(self.bars)]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Section:
    """Bars that belong together."""

    bars: tuple[Bar, ...]
    energy: float
    """0…1: how hard it is played."""
    is_chorus: bool
    has_melody: bool
    comping: str
    bass: str


def arrange(genre: Genre, duration_s: float, rng: np.random.Generator) -> Arrangement:
    """A song of the genre: as many whole bars as fit into `duration_s`, at least one."""
    tempo_bpm = int(rng.integers(genre.tempo_bpm[0], genre.tempo_bpm[1] + 1))
    key = Key(int(rng.integers(12)), str(rng.choice(list(genre.progressions))))
    groove = genre.grooves[int(rng.integers(len(genre.grooves)))]
    bars = max(1, int(duration_s * tempo_bpm / 60 / genre.beats_per_bar + 1e-6))
    programs = _programs(genre, rng)
    pattern = drums.vary(groove.drums, genre.steps_per_bar, rng)
    sections = _sections(genre, groove, key, bars, rng)
    straight = {
        "bass": _bass(sections, pattern, rng),
        "drums": _drums(sections, pattern, rng),
        "instrument": _comping(sections, programs["instrument"]),
        "melody": _melody(genre, sections, programs["melody"], rng),
    }
    swing = float(rng.uniform(*genre.swing))
    notes = {
        name: without_overlaps(
            [_played(note, genre, swing, tempo_bpm, rng) for note in track], float(bars * genre.beats_per_bar)
        )
        for name, track in straight.items()
    }
    return Arrangement(
        genre=genre,
        groove=groove,
        key=key,
        tempo_bpm=tempo_bpm,
        bars=bars,
        programs=programs,
        styles=tuple(dict.fromkeys(style for part in sections for style in (part.bass, part.comping))),
        notes=notes,
    )


def _programs(genre: Genre, rng: np.random.Generator) -> dict[str, int]:
    comping_program = int(rng.choice(genre.comping_programs))
    leads = [program for program in genre.melody_programs if program != comping_program]
    return {
        "bass": int(rng.choice(genre.bass_programs)),
        "drums": int(rng.choice(genre.kits)),
        "instrument": comping_program,
        "melody": int(rng.choice(leads)),
    }


def _sections(genre: Genre, groove: Groove, key: Key, bars: int, rng: np.random.Generator) -> list[_Section]:
    """Sections of eight bars, verses and choruses in turn; a song with room for it may have an intro."""
    verse, chorus = _verse_and_chorus(genre, key, rng)
    compings, basses = rng.permutation(groove.comping), rng.permutation(groove.bass)
    intro = int(rng.choice([0, 2, 4])) if bars >= 12 else 0
    sections: list[_Section] = []
    first = 0
    while first < bars:
        is_intro = first < intro
        is_chorus = (first - intro) // SECTION_BARS % 2 == 1
        length = min(intro if is_intro else SECTION_BARS, bars - first)
        sections.append(
            _Section(
                bars=_bars(genre, key, chorus if is_chorus else verse, first, length),
                energy=0.5 if is_intro else 1.0 if is_chorus else 0.75,
                is_chorus=is_chorus,
                has_melody=not is_intro,
                comping=str(compings[is_chorus % len(compings)]),
                bass=str(basses[is_chorus % len(basses)]),
            )
        )
        first += length
    return sections


def _bars(genre: Genre, key: Key, chords: Progression, first: int, length: int) -> tuple[Bar, ...]:
    return tuple(
        Bar(
            number=first + place,
            place=place,
            key=key,
            chords=chords,
            steps_per_bar=genre.steps_per_bar,
            steps_per_beat=genre.steps_per_beat,
        )
        for place in range(length)
    )


def _verse_and_chorus(genre: Genre, key: Key, rng: np.random.Generator) -> tuple[Progression, Progression]:
    """Two progressions of the key's mode, or one twice where the genre has one."""
    texts = [str(text) for text in rng.permutation(genre.progressions[key.mode])]
    return progression(texts[0], key), progression(texts[-1], key)


def _bass(sections: list[_Section], pattern: drums.Pattern, rng: np.random.Generator) -> list[Note]:
    return [
        note
        for section in sections
        for bar in section.bars
        for note in bass.play_bar(section.bass, bar, pattern, rng)
    ]


def _drums(sections: list[_Section], pattern: drums.Pattern, rng: np.random.Generator) -> list[Note]:
    """The groove, with fills at the ends of some four bars and crashes where sections begin."""
    notes: list[Note] = []
    last = sections[-1].bars[-1]
    for section in sections:
        if section.is_chorus or (section is not sections[0] and rng.random() < 0.4):
            notes += drums.crash(section.bars[0].beat(0))
        for bar in section.bars:
            played = drums.play_bar(pattern, bar, section.energy)
            if (bar.number + 1) % 4 == 0 and bar is not last and rng.random() < 0.55:
                fill = drums.play_fill(bar, rng)
                played = [note for note in played if note.start < fill[0].start] + fill
            notes += played
    return notes


def _comping(sections: list[_Section], program: int) -> list[Note]:
    notes: list[Note] = []
    voicing: tuple[int, ...] | None = None
    for section in sections:
        for bar in section.bars:
            played, voicing = comping.play_bar(section.comping, bar, voicing, strummed=program in STRUMMED)
            loudness = 0.8 + 0.2 * section.energy
            notes += [note._replace(velocity=round(note.velocity * loudness)) for note in played]
    return notes


def _melody(genre: Genre, sections: list[_Section], program: int, rng: np.random.Generator) -> list[Note]:
    """Two-bar phrases in a form such as AABA; the chorus has motifs of its own, a little higher."""
    motifs = [{letter: melody.make_motif(genre.rhythms, rng) for letter in "ABC"} for _ in range(2)]
    form = str(rng.choice(melody.FORMS))
    centre = CENTRES.get(program, 71)
    notes: list[Note] = []
    for section in sections:
        if not section.has_melody:
            continue
        for phrase, bar in enumerate(section.bars[::2]):
            motif = motifs[section.is_chorus][form[phrase % len(form)]]
            if phrase % 2 and rng.random() < 0.6:
                motif = melody.vary(motif, rng)
            bars_left = len(section.bars) - bar.place
            register = centre + 2 * section.is_chorus
            notes += melody.play_phrase(motif, bar, bars_left, register, genre.melody_scale)
    return notes


def _played(note: Note, genre: Genre, swing: float, tempo_bpm: int, rng: np.random.Generator) -> Note:
    """A written note as a player plays it: swung, within 15 ms of its place, never quite as loud again."""
    step = note.start * genre.steps_per_beat
    swung = swing if round(step) % 2 and abs(step - round(step)) < 0.1 else 0.0
    loose_s = float(np.clip(rng.normal(0, genre.looseness_ms / 1000), -0.015, 0.015))
    start = note.start + swung / genre.steps_per_beat + loose_s * tempo_bpm / 60
    velocity = int(np.clip(note.velocity + rng.normal(0, 4), 1, 127))
    return Note(max(start, 0.0), note.length, note.pitch, velocity)

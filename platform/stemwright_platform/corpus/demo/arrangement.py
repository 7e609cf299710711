"""A whole song as notes: key, tempo, progression, groove, sections, then the four tracks bar by bar."""

from dataclasses import dataclass

import numpy as np

from stemwright_platform.corpus.demo import bass, comping, drums, melody
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

    first: int
    bars: int
    chords: Progression
    energy: float
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
        "bass": _bass(genre, key, sections, pattern, rng),
        "drums": _drums(genre, sections, pattern, bars, rng),
        "instrument": _comping(genre, sections, programs["instrument"]),
        "melody": _melody(genre, key, sections, programs["melody"], rng),
    }
    swing = float(rng.uniform(*genre.swing))
    notes = {
        name: without_overlaps(
            [_played(note, genre, swing, tempo_bpm, rng) for note in track], float(bars * genre.beats_per_bar)
        )
        for name, track in straight.items()
    }
    return Arrangement(
        genre=genre, groove=groove, key=key, tempo_bpm=tempo_bpm, bars=bars, programs=programs, notes=notes
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
    verse, chorus = _progressions(genre, key, rng)
    compings = rng.permutation(groove.comping)
    basses = rng.permutation(groove.bass)
    intro = int(rng.choice([0, 2, 4])) if bars >= 12 else 0
    sections: list[_Section] = []
    first = 0
    while first < bars:
        is_intro = first < intro
        is_chorus = (first - intro) // SECTION_BARS % 2 == 1
        length = min(intro if is_intro else SECTION_BARS, bars - first)
        sections.append(
            _Section(
                first=first,
                bars=length,
                chords=chorus if is_chorus else verse,
                energy=0.5 if is_intro else 1.0 if is_chorus else 0.75,
                has_melody=not is_intro,
                comping=str(compings[is_chorus % len(compings)]),
                bass=str(basses[is_chorus % len(basses)]),
            )
        )
        first += length
    return sections


def _progressions(genre: Genre, key: Key, rng: np.random.Generator) -> tuple[Progression, Progression]:
    """The verse's and the chorus's."""
    texts = [str(text) for text in rng.permutation(genre.progressions[key.mode])]
    return progression(texts[0], key), progression(texts[-1], key)


def _bass(
    genre: Genre, key: Key, sections: list[_Section], pattern: drums.Pattern, rng: np.random.Generator
) -> list[Note]:
    notes: list[Note] = []
    for section in sections:
        for bar in range(section.first, section.first + section.bars):
            notes += bass.play_bar(
                section.bass,
                key,
                _from(section),
                bar,
                genre.steps_per_bar,
                genre.steps_per_beat,
                pattern,
                rng,
            )
    return notes


def _drums(
    genre: Genre, sections: list[_Section], pattern: drums.Pattern, bars: int, rng: np.random.Generator
) -> list[Note]:
    notes: list[Note] = []
    for section in sections:
        if section.energy > 0.9 or (section.first > 0 and rng.random() < 0.4):
            notes += drums.crash(float(section.first * genre.beats_per_bar))
        for bar in range(section.first, section.first + section.bars):
            played = drums.play_bar(pattern, bar, genre.steps_per_bar, genre.steps_per_beat, section.energy)
            if (bar + 1) % 4 == 0 and bar + 1 < bars and rng.random() < 0.55:
                fill = drums.play_fill(bar, genre.beats_per_bar, genre.steps_per_beat, rng)
                played = [note for note in played if note.start < fill[0].start] + fill
            notes += played
    return notes


def _comping(genre: Genre, sections: list[_Section], program: int) -> list[Note]:
    notes: list[Note] = []
    voicing: tuple[int, ...] | None = None
    for section in sections:
        for bar in range(section.first, section.first + section.bars):
            played, voicing = comping.play_bar(
                section.comping,
                _from(section),
                bar,
                genre.steps_per_bar,
                genre.steps_per_beat,
                voicing,
                program in STRUMMED,
            )
            notes += [
                note._replace(velocity=round(note.velocity * (0.8 + 0.2 * section.energy))) for note in played
            ]
    return notes


def _melody(
    genre: Genre, key: Key, sections: list[_Section], program: int, rng: np.random.Generator
) -> list[Note]:
    """Two-bar phrases in a form such as AABA; the chorus has motifs of its own, a little higher."""
    motifs = [{letter: melody.make_motif(genre.rhythms, rng) for letter in "ABC"} for _ in range(2)]
    form = str(rng.choice(melody.FORMS))
    centre = CENTRES.get(program, 71)
    notes: list[Note] = []
    for section in sections:
        if not section.has_melody:
            continue
        is_chorus = section.energy > 0.9
        for phrase, bar in enumerate(range(section.first, section.first + section.bars, 2)):
            motif = motifs[is_chorus][form[phrase % len(form)]]
            if phrase % 2 and rng.random() < 0.6:
                motif = melody.vary(motif, rng)
            notes += melody.play_phrase(
                motif,
                key,
                _from(section),
                bar,
                section.first + section.bars - bar,
                genre.steps_per_bar,
                genre.steps_per_beat,
                centre + 2 * is_chorus,
                genre.melody_scale,
            )
    return notes


def _from(section: _Section) -> Progression:
    """The section's progression turned so that bar numbers of the song index it from the section's start."""
    shift = -section.first % len(section.chords)
    return section.chords[shift:] + section.chords[:shift]


def _played(note: Note, genre: Genre, swing: float, tempo_bpm: int, rng: np.random.Generator) -> Note:
    """A written note as a player plays it: swung, within 15 ms of its place, never quite as loud again."""
    step = note.start * genre.steps_per_beat
    swung = swing if round(step) % 2 and abs(step - round(step)) < 0.1 else 0.0
    loose_s = float(np.clip(rng.normal(0, genre.looseness_ms / 1000), -0.015, 0.015))
    start = note.start + swung / genre.steps_per_beat + loose_s * tempo_bpm / 60
    velocity = int(np.clip(note.velocity + rng.normal(0, 4), 1, 127))
    return Note(max(start, 0.0), note.length, note.pitch, velocity)

"""What is true of an arrangement, as a prompt's fields."""

import numpy as np

from stemwright.prompts import SongMetadata
from stemwright_platform.corpus.demo.arrangement import Arrangement
from stemwright_platform.corpus.general_midi import KITS, PROGRAMS

SLOW_BPM, FAST_BPM = 90, 124

MOODS: dict[tuple[bool, str], tuple[str, ...]] = {
    (True, "slow"): ("melancholic", "brooding", "sad", "dark"),
    (True, "medium"): ("moody", "mysterious", "wistful", "serious"),
    (True, "fast"): ("tense", "dramatic", "urgent", "dark"),
    (False, "slow"): ("relaxed", "tender", "calm", "dreamy"),
    (False, "medium"): ("happy", "warm", "hopeful", "friendly"),
    (False, "fast"): ("joyful", "uplifting", "lively", "exciting"),
}
"""Whether the key is dark, and the pace → moods that such songs have."""


FORM_WORDS = {"breakdown": "breakdown", "solo": "solo", "bridge": "bridge"}
"""Kind of section → keyword of songs that have it; the first that is true is said."""
WITHOUT = {"bass": "no bass", "drums": "no drums", "instrument": "no chords", "melody": "no melody"}
"""Track → keyword of songs that lack it."""
BROKEN = set("12345.-")
"""Steps of a pattern that strikes single voices of a chord."""


def describe(arrangement: Arrangement, rng: np.random.Generator) -> SongMetadata:
    """The song's true metadata; where several words are true, a choice of them."""
    genre = arrangement.genre
    mood = MOODS[arrangement.key.is_dark, pace(arrangement.tempo_bpm)]
    also = genre.also if rng.random() < 0.5 else ()
    return SongMetadata(
        genres=(genre.name, *also),
        instruments=instruments(arrangement),
        moods=tuple(dict.fromkeys((_one(mood, rng), _one(genre.moods, rng)))),
        tempo_bpm=float(arrangement.tempo_bpm),
        key=arrangement.key.name,
        keywords=tuple(dict.fromkeys((*_played(arrangement), _one(genre.keywords, rng)))),
        themes=(_one(genre.themes, rng),),
    )


def instruments(arrangement: Arrangement) -> tuple[str, ...]:
    """What plays in the song, in the tracks' order."""
    return tuple(
        (KITS if track == "drums" else PROGRAMS)[program]
        for track, program in arrangement.programs.items()
        if arrangement.notes[track]
    )


def _played(arrangement: Arrangement) -> tuple[str, ...]:
    """Keywords of the groove, of what bass and comping play in it, and of the form."""
    groove = arrangement.groove.keywords if arrangement.notes["drums"] else ()
    walking = ("walking bass",) if "walk" in arrangement.style_names("bass") else ()
    styles = arrangement.style_names("instrument")
    broken = ("broken chords",) if any(set(style) <= BROKEN for style in styles) else ()
    missing = tuple(word for track, word in WITHOUT.items() if not arrangement.notes[track])
    kinds = {section.kind for section in arrangement.sections}
    form = tuple(word for kind, word in FORM_WORDS.items() if kind in kinds)
    return (*groove, *walking, *broken, *missing, *form[:1])


def pace(tempo_bpm: float) -> str:
    """ "slow", "medium" or "fast"."""
    return "slow" if tempo_bpm < SLOW_BPM else "fast" if tempo_bpm >= FAST_BPM else "medium"


def _one(words: tuple[str, ...], rng: np.random.Generator) -> str:
    return str(rng.choice(words))

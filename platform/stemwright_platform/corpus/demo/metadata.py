"""What is true of an arrangement, as a prompt's fields."""

import numpy as np

from stemwright.prompts import SongMetadata
from stemwright_platform.corpus.demo.arrangement import Arrangement
from stemwright_platform.corpus.demo.instruments import KITS, PROGRAMS

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


BROKEN = set("12345.-")
"""Steps of a pattern that strikes single voices of a chord."""


def describe(arrangement: Arrangement, rng: np.random.Generator) -> SongMetadata:
    """The song's true metadata; where several words are true, a choice of them."""
    genre, programs = arrangement.genre, arrangement.programs
    mood = MOODS[arrangement.key.is_dark, pace(arrangement.tempo_bpm)]
    also = genre.also if rng.random() < 0.5 else ()
    return SongMetadata(
        genres=(genre.name, *also),
        instruments=(
            PROGRAMS[programs["bass"]],
            KITS[programs["drums"]],
            PROGRAMS[programs["instrument"]],
            PROGRAMS[programs["melody"]],
        ),
        moods=tuple(dict.fromkeys((_one(mood, rng), _one(genre.moods, rng)))),
        tempo_bpm=float(arrangement.tempo_bpm),
        key=arrangement.key.name,
        keywords=tuple(dict.fromkeys((*_played(arrangement), _one(genre.keywords, rng)))),
        themes=(_one(genre.themes, rng),),
    )


def _played(arrangement: Arrangement) -> tuple[str, ...]:
    """Keywords of the groove and of what bass and comping play in it."""
    styles = arrangement.styles
    walking = ("walking bass",) if "walk" in styles else ()
    broken = ("broken chords",) if any(set(style) <= BROKEN for style in styles) else ()
    return (*arrangement.groove.keywords, *walking, *broken)


def pace(tempo_bpm: float) -> str:
    """ "slow", "medium" or "fast"."""
    return "slow" if tempo_bpm < SLOW_BPM else "fast" if tempo_bpm >= FAST_BPM else "medium"


def _one(words: tuple[str, ...], rng: np.random.Generator) -> str:
    return str(rng.choice(words))

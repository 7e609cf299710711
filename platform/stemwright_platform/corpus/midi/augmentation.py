"""Variants of a song: other keys, tempi, instruments of the same families, sound fonts and rooms."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from stemwright_platform.corpus.midi.programs import family
from stemwright_platform.corpus.midi.score import Score
from stemwright_platform.corpus.midi.slots import DRUMS, Assignment
from stemwright_platform.corpus.synthesis.effects import ROOM_S, Effects

SEMITONES = (-5, 6)
RATES = (0.9, 1.1)
SUBSTITUTED = 0.6
"""How often an instrument is replaced by one of its family."""
LEVEL_DB = 1.5
"""How far a slot's level moves up or down."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Variant:
    """How a song is played."""

    font: int
    """Which of the given sound fonts."""
    semitones: int = 0
    """Transposition of all but drums."""
    rate: float = 1.0
    """Tempo against the file's."""
    programs: dict[tuple[int, bool], int]
    """(program, is it a kit) → what plays its parts."""
    effects: dict[str, Effects]
    """Slot → its effects; a slot left out stays dry."""
    levels_db: dict[str, float]
    """Slot → what is added to its level."""

    @property
    def is_as_written(self) -> bool:
        """Whether the notes and the instruments are the file's."""
        moved = any(program != new for (program, _), new in self.programs.items())
        return not (self.semitones or moved or self.rate != 1.0)


def variant_of(
    score: Score, assignments: Sequence[Assignment], *, song: str, number: int, seed: int, num_fonts: int
) -> Variant:
    """Variant `number` of a song: 0 is as written and dry, others are drawn from seed, song and number."""
    digest = int.from_bytes(hashlib.sha256(song.encode()).digest()[:8])
    font = int(np.random.default_rng([seed, digest]).permutation(num_fonts)[number % num_fonts])
    if number == 0:
        return Variant(font=font, programs={}, effects={}, levels_db={})
    rng = np.random.default_rng([seed, digest, number])
    slots = sorted({assignment.slot for assignment in assignments})
    # What belongs to one room and one band is drawn before what depends on the song's parts.
    semitones = int(rng.integers(SEMITONES[0], SEMITONES[1] + 1))
    rate = float(np.exp(rng.uniform(*np.log(RATES))))
    room_seed, decay_s = int(rng.integers(2**31)), float(rng.uniform(0.12, ROOM_S))
    played = sorted({(part.program, part.is_drum) for part in score.parts})
    return Variant(
        font=font,
        semitones=semitones,
        rate=round(rate, 4),
        programs={key: _substitute(key, rng) for key in played},
        effects={slot: replace(Effects.drawn(rng), room_seed=room_seed, decay_s=decay_s) for slot in slots},
        levels_db={slot: float(rng.uniform(-LEVEL_DB, LEVEL_DB)) for slot in slots},
    )


def played(assignments: Sequence[Assignment], variant: Variant) -> list[Assignment]:
    """The parts as a variant plays them."""
    result: list[Assignment] = []
    for assignment in assignments:
        part = assignment.part.faster(variant.rate)
        if assignment.slot != DRUMS:
            part = part.transposed(variant.semitones)
        program = variant.programs.get((part.program, part.is_drum), part.program)
        result.append(replace(assignment, part=replace(part, program=program)))
    return result


def _substitute(key: tuple[int, bool], rng: np.random.Generator) -> int:
    programs = family(*key)
    is_replaced, choice = rng.random() < SUBSTITUTED, int(rng.choice(programs))
    return choice if is_replaced else key[0]

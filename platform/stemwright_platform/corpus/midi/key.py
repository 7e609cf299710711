"""The key of a score from its notes: pitch classes weighted by how long they sound."""

from collections.abc import Sequence

import numpy as np

from stemwright_platform.corpus.key_estimate import estimate_key
from stemwright_platform.corpus.midi.programs import EFFECTS, PERCUSSION
from stemwright_platform.corpus.midi.score import Part

LONGEST_S = 2.0
"""A note counts no more than this, or a held one outweighs a melody."""


def key_of(parts: Sequence[Part], semitones: int = 0) -> str | None:
    """The key of the parts after a transposition, as "A minor"; None where they have none."""
    weights = np.zeros((12, 1), np.float32)
    for part in parts:
        if not part.is_drum and part.program not in PERCUSSION | EFFECTS:
            np.add.at(weights[:, 0], part.notes.pitch % 12, np.minimum(part.notes.length_s, LONGEST_S))
    return estimate_key(np.roll(weights, semitones, axis=0))

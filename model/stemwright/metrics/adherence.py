"""Whether a composition keeps to the tempo and the key that its prompt names.

Axes: C pitch class, T frame.
"""

from collections.abc import Sequence

import numpy as np

from stemwright.metrics.feature import Arrays
from stemwright.metrics.keys import NAMES, key_nearness, key_strengths, parsed_key

TEMPO_TOLERANCE = 0.04
"""Of the asked tempo, as evaluations of tempo estimation have it (MIREX, accuracy 2)."""


def tempo_ratio(rhythm: Arrays, tempo_bpm: float) -> float:
    """Heard over asked tempo, from a "rhythm" (drums', else the mix's); NaN where no tempo is heard."""
    heard = float(rhythm["tempo_bpm"][0])
    return heard / tempo_bpm if heard > 0 else float("nan")


def tempo_adherence(rhythm: Arrays, tempo_bpm: float) -> float:
    """1 where the heard tempo is the asked one, its half or its double, within 4 %, else 0; NaN for none."""
    ratio = tempo_ratio(rhythm, tempo_bpm)
    if np.isnan(ratio):
        return ratio
    return float(any(abs(ratio / octave - 1) <= TEMPO_TOLERANCE for octave in (0.5, 1.0, 2.0)))


def heard_key(harmonies: Sequence[Arrays]) -> str | None:
    """As "A minor", from the "harmony" of each pitched track; None where all are silent or nothing fits.

    Tracks count by how long they sound, however loud.
    """
    pitches = sum((harmony["chroma"].sum(axis=1) for harmony in harmonies), np.zeros(12))
    strengths = key_strengths(pitches / max(pitches.sum(), 1e-9))
    return None if np.isnan(strengths).any() else NAMES[int(np.argmax(strengths))]


def key_adherence(harmonies: Sequence[Arrays], key: str) -> float:
    """1 for the asked key, 0.5 a fifth off, 0.3 its relative, 0.2 its parallel, else 0 (MIREX's weights).

    A mode counts as major or minor by its third. NaN where no key is heard, or where `key` names none.
    """
    asked, heard = parsed_key(key), heard_key(harmonies)
    found = parsed_key(heard) if heard else None
    return key_nearness(asked, found) if asked and found else float("nan")

"""The key of a recording from its pitch classes, by correlation with those of pieces in known keys."""

import numpy as np
from numpy.typing import NDArray

PROFILES: dict[str, tuple[float, ...]] = {
    "major": (0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081),
    "minor": (0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052),
}
"""Share of each pitch class above the tonic (Albrecht and Shanahan 2013). On demo songs they find more keys
than Krumhansl's or Temperley's: docs/corpora.md."""
TONICS: dict[str, tuple[str, ...]] = {
    "major": ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B"),
    "minor": ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B"),
}
"""Names of the tonics from C up, as musicians mostly write them."""
MIN_CORRELATION = 0.5
"""Below, the pitches tell no key."""


def estimate_key(chroma: NDArray[np.float32]) -> str | None:
    """As "A minor", of a chromagram `[12, T]` from C up; None where none fits or all is silent.

    Only major and minor are known: a piece in D dorian comes out as D minor, or as a relative of it.
    """
    pitches = np.median(chroma, axis=1)
    if pitches.std() < 1e-6:
        return None
    found = [
        (float(np.corrcoef(np.roll(profile, tonic), pitches)[0, 1]), f"{TONICS[mode][tonic]} {mode}")
        for mode, profile in PROFILES.items()
        for tonic in range(12)
    ]
    correlation, key = max(found)
    return key if correlation >= MIN_CORRELATION else None

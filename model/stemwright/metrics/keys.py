"""Keys: how well pitch classes fit each of the 24, and how far two keys are apart.

Axes: C pitch class from C up, Y key: the major ones from C up, then the minor ones.
"""

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
NAMES = tuple(f"{tonic} {mode}" for mode, tonics in TONICS.items() for tonic in tonics)
"""Of the keys Y."""
MINOR_MODES = ("minor", "dorian", "phrygian", "aeolian", "locrian")
"""Modes with a minor third: they count as minor."""
MAJOR_MODES = ("major", "ionian", "mixolydian", "lydian")
RELATIVE, FIFTH, PARALLEL = 0.3, 0.5, 0.2
"""What a key counts that is not the one asked for but close to it: MIREX's weights of key detection."""

_PITCH_CLASSES = dict(zip("CDEFGAB", (0, 2, 4, 5, 7, 9, 11), strict=True))


def key_strengths(pitches: NDArray[np.floating]) -> NDArray[np.float64]:
    """Correlation −1…1 of pitch classes `[C]` with each key's, `[Y]`; NaN where all are equally strong."""
    profiles = np.array([np.roll(profile, tonic) for profile in PROFILES.values() for tonic in range(12)])
    if np.std(pitches) < 1e-6:
        return np.full(len(profiles), np.nan)
    return np.corrcoef(profiles, pitches)[-1, :-1]


def parsed_key(name: str) -> tuple[int, bool] | None:
    """Pitch class of the tonic of "Bb minor" or "f# dorian", and whether it counts as minor; else None."""
    tonic, _, mode = name.strip().partition(" ")
    mode = mode.strip().lower()
    steps = {"": 0, "#": 1, "♯": 1, "b": -1, "♭": -1}.get(tonic[1:])
    if steps is None or tonic[:1].upper() not in _PITCH_CLASSES or mode not in MAJOR_MODES + MINOR_MODES:
        return None
    return (_PITCH_CLASSES[tonic[:1].upper()] + steps) % 12, mode in MINOR_MODES


def key_nearness(asked: tuple[int, bool], heard: tuple[int, bool]) -> float:
    """1 for the same key, `FIFTH`, `RELATIVE`, `PARALLEL`, or 0; keys as `parsed_key` gives them."""
    step = (heard[0] - asked[0]) % 12
    if asked[1] == heard[1]:
        return {0: 1.0, 5: FIFTH, 7: FIFTH}.get(step, 0.0)
    if step == 0:
        return PARALLEL
    return RELATIVE if step == (3 if asked[1] else 9) else 0.0

"""The key of a recording from its pitch classes, by correlation with those of pieces in known keys."""

import numpy as np
from numpy.typing import NDArray

from stemwright.metrics.keys import NAMES, key_strengths

MIN_CORRELATION = 0.5
"""Below, the pitches tell no key."""


def estimate_key(chroma: NDArray[np.float32]) -> str | None:
    """As "A minor", of a chromagram `[12, T]` from C up; None where none fits or all is silent.

    Only major and minor are known: a piece in D dorian comes out as D minor, or as a relative of it.
    """
    strengths = key_strengths(np.median(chroma, axis=1))
    best = int(np.argmax(strengths))
    return NAMES[best] if strengths[best] >= MIN_CORRELATION else None

"""What scores need to know of one signal: computed once, kept by content, and cheap to score from.

Axes: n audio sample.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Arrays = dict[str, NDArray[np.float32]]
"""What a feature found, by name."""


class Feature(Protocol):
    """A way of hearing a signal."""

    @property
    def name(self) -> str:
        """As scores and reports call it."""
        ...

    @property
    def fingerprint(self) -> str:
        """Changes whenever the result would: code, settings and weights."""
        ...

    @property
    def sample_rate_hz(self) -> int:
        """Of the audio that `extract` takes."""
        ...

    def extract(self, audio: Tensor) -> Arrays:
        """What is heard in float32 audio `[2, n]` in ±1; any length above 0, silence too."""
        ...

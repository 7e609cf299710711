"""A signal cut into frames that overlap.

Axes: n audio sample, T frame, W sample of a frame.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Frames = NDArray[np.float32]

BLOCK = 512
"""Frames at once: an hour of audio takes no more memory than ten seconds."""


def framed(audio: NDArray[np.float32], window: int, hop: int) -> Frames:
    """Audio `[n]` as `[T, W]`, T = ⌈n / hop⌉ and at least 1; frame i has sample i·hop at its middle.

    Beyond the ends there is silence. A read-only view.
    """
    num_frames = max(1, -(-len(audio) // hop))
    padded = np.zeros((num_frames - 1) * hop + window, np.float32)
    kept = audio[: len(padded) - window // 2]
    padded[window // 2 : window // 2 + len(kept)] = kept
    return np.lib.stride_tricks.sliding_window_view(padded, window)[::hop]


def blocks(frames: Frames, *, before: int = 0) -> Iterator[Frames]:
    """The frames in blocks of `BLOCK`, each led by the last `before` frames of the one before it.

    The first is led by as many copies of its first frame.
    """
    for start in range(0, len(frames), BLOCK):
        lead = np.maximum(np.arange(start - before, start), 0)
        yield np.concatenate([frames[lead], frames[start : start + BLOCK]])

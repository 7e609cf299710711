"""Lengths of training windows: a step takes one of a few, all its samples the same."""

import math
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

Length = TypeVar("Length", int, float)

BUCKETS = 3  # the random stream of a seed that lengths are drawn from
STRIDE_TOLERANCE = 0.1
"""Whole strides of the model may change a window's length by this share; else the model pads."""


def window_frames(window_s: float, frame_rate_hz: float, stride: int, segment_frames: int) -> int:
    """Latent frames of a training window: whole segments of the codec, and whole strides where that fits."""
    frames = window_s * frame_rate_hz
    unit = math.lcm(stride, segment_frames)
    if abs(_nearest(frames, unit) - frames) > STRIDE_TOLERANCE * frames:
        unit = segment_frames
    return _nearest(frames, unit)


def bucket(lengths: Sequence[int], seed: int, step: int) -> int:
    """The length of a step's windows: each is as likely, whatever the steps before and the worker."""
    if len(lengths) == 1:
        return lengths[0]
    return lengths[int(np.random.default_rng((seed, BUCKETS, step)).integers(len(lengths)))]


def judging_length(lengths: Sequence[Length]) -> Length:
    """The one length that models are validated on: the middle one, the longer of two."""
    return sorted(lengths)[len(lengths) // 2]


def _nearest(frames: float, unit: int) -> int:
    return max(1, math.floor(frames / unit + 0.5)) * unit

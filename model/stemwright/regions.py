"""Which part of the targets is given, so that a model also rewrites and continues music (JEN-1's in-context
learning, Li 2024).

Axes: B batch, S latent frame.
"""

import torch
from torch import Tensor

SHORTEST, LONGEST = 0.2, 0.8
"""Length of the given part as a share of the window."""
UNIFORMS = 5
"""Random numbers that a sample needs."""


def sample_known(lengths: Tensor, num_frames: int, probability: float, uniform: Tensor) -> Tensor:
    """Given frames of the targets, boolean [B, num_frames]; none where a sample draws no region.

    A span of a random length is given, or all but a span of that kind; it lies at the start, at the end or
    anywhere, a third each. So what is left to generate is a continuation, a beginning, or a gap.
    `lengths`: int64 [B], the samples' real frames; `uniform`: [B, UNIFORMS] in [0, 1).
    """
    asked, share, inverted, where, offset = uniform.unbind(1)
    span = ((SHORTEST + (LONGEST - SHORTEST) * share) * lengths).round().long()
    span = torch.minimum(span.clamp(min=1), lengths - 1)  # something is given, something is left to make
    # start: 0, end: 1, anywhere: between
    place = torch.where(where < 1 / 3, 0.0, torch.where(where < 2 / 3, 1.0, offset))
    begin = (place * (lengths - span)).round().long()
    frame = torch.arange(num_frames)
    inside = (frame >= begin[:, None]) & (frame < (begin + span)[:, None])
    known = inside ^ (inverted < 0.5)[:, None]
    return known & (frame < lengths[:, None]) & ((asked < probability) & (lengths > 1))[:, None]

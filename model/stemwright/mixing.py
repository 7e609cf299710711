"""Stems brought to one length and below full scale, and summed. Axes: n audio sample."""

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor

CEILING = 0.99
"""Audio whose peak would pass this is turned down as a whole."""


def fitted(audio: Tensor, num_samples: int) -> Tensor:
    """Audio `[2, n]` cut or padded with silence to `num_samples`."""
    return F.pad(audio[..., :num_samples], (0, max(0, num_samples - audio.shape[-1])))


def softened(audio: Tensor, num_samples: int) -> Tensor:
    """Audio `[…, n]` faded in and out over `num_samples`: no click at either end."""
    ramp = torch.linspace(0, 1, num_samples, device=audio.device)[: audio.shape[-1]]
    audio = audio.clone()
    audio[..., : len(ramp)] *= ramp
    audio[..., audio.shape[-1] - len(ramp) :] *= ramp.flip(0)
    return audio


def spliced(old: Tensor, new: Tensor, start: int, end: int, fade: int) -> Tensor:
    """`old` `[…, n]` with samples `start` to `end` taken from `new`, cross-faded over `fade` samples inside.

    Outside the span `old` stays bit-identical. There is no fade where the span reaches an end of the audio.
    """
    length = end - start
    weight = torch.ones(length)
    ramp = torch.linspace(0, 1, min(fade, length // 2) + 1)[1:]
    if start > 0:
        weight[: len(ramp)] = ramp
    if end < old.shape[-1]:
        weight[length - len(ramp) :] = ramp.flip(0)
    result = old.clone()
    result[..., start:end] = torch.lerp(old[..., start:end], new[..., start:end], weight)
    return result


def mix(stems: Iterable[Tensor]) -> Tensor:
    """The sum of stems `[2, n]` of one length, turned down only where it would clip."""
    return turned_down(torch.stack(list(stems)).sum(0))


def turned_down(audio: Tensor) -> Tensor:
    """The audio itself, or quieter where it would clip."""
    peak = float(audio.abs().max())
    return audio * (CEILING / peak) if peak > CEILING else audio

"""How far told voices are from heard ones. Axes: B batch, H half frame, X level, offset, place, J voice."""

from torch import Tensor

from stemwright.tones import amplitudes

LOUD = 10.0
"""Weight of the squared error of levels beside the absolute one: a strong voice must not be missed."""
LEAST_MEAN = 1e-5
"""-100 dB."""


def voice_losses(made: Tensor, true: Tensor) -> dict[str, Tensor]:
    """Mean distances of voices `[B, H, X, J]`, by name.

    A voice's offset and place count by its amplitude: of one that rests they say nothing, and where a weak
    one among strong ones is, is chance.
    """
    level = (made - true)[:, :, 0]
    sounding = amplitudes(true[:, :, 0])
    weight = sounding / sounding.mean().clamp(min=LEAST_MEAN)
    offset, place = ((made - true)[:, :, 1:].abs() * weight[:, :, None]).mean((0, 1, 3))
    return {"level": level.abs().mean() + LOUD * level.square().mean(), "offset": offset, "place": place}

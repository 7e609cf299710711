"""How far told voices are from heard ones. Axes: B batch, H half frame, X level, offset, place, J voice."""

from torch import Tensor

LOUD = 10.0
"""Weight of the squared error of levels beside the absolute one: a strong voice must not be missed."""
LEAST_MEAN = 1e-3


def voice_losses(made: Tensor, true: Tensor) -> dict[str, Tensor]:
    """Mean distances of voices `[B, H, X, J]`, by name.

    A voice's offset and place count as much as it sounds: of one that rests they say nothing.
    """
    level = (made - true)[:, :, 0]
    sounding = true[:, :, 0]
    weight = sounding / sounding.mean().clamp(min=LEAST_MEAN)
    offset, place = ((made - true)[:, :, 1:].abs() * weight[:, :, None]).mean((0, 1, 3))
    return {"level": level.abs().mean() + LOUD * level.square().mean(), "offset": offset, "place": place}

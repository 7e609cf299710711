"""Small inputs to a sampler, and a denoiser that hears everything."""

from collections.abc import Callable

import torch
from torch import Tensor

from stemwright.diffusion import NoiseSchedule
from stemwright.tasks import Task
from stemwright.text_embedding import TextEmbedding

SCHEDULE = NoiseSchedule.scaled_linear()
CONDITIONAL = Task(("bass", "melody"), ("drums", "instrument"))
MIXED = Task(("bass", "melody"), ("drums",))


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def songs(takes: int = 2, seed: int = 9, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(takes, 4, 3, 5, generator=generator(seed), dtype=dtype)


def toy(z: Tensor, t: Tensor, text: TextEmbedding | None) -> Tensor:
    """A denoiser that hears every track, every timestep and the text, each row for itself."""
    level = (t.to(z.dtype) / 1000)[..., None, None]
    eps = 0.5 * z + 0.2 * level * z.roll(1, 1) - 0.1 * z.roll(2, 1) * z.roll(1, 3) + 0.05 * level
    return eps if text is None else eps + 0.1 * text.states[:, :1, :1, None]


def recorded(rows: list[tuple[Tensor, Tensor]]) -> Callable[..., Tensor]:
    """The toy denoiser, which also writes down what it is asked."""

    def denoiser(z: Tensor, t: Tensor, text: TextEmbedding | None) -> Tensor:
        rows.append((z.clone(), t.clone()))
        return toy(z, t, text)

    return denoiser


def prompt(value: float, tokens: int, takes: int = 2) -> TextEmbedding:
    return TextEmbedding(torch.full((takes, tokens, 4), value), torch.ones(takes, tokens, dtype=torch.bool))

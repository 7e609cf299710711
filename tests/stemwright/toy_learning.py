"""A tiny learner on random latents, with a text encoder that needs no weights."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import nn

from stemwright.batch import Batch
from stemwright.latent_stats import LatentStats
from stemwright.learner import Learner, fit_preset
from stemwright.presets import Preset, load_preset
from stemwright.text_embedding import TextEmbedding

LATENT_DIM, TEXT_WIDTH, FRAMES = 6, 16, 32
RATE_HZ = 50.0


class HashedText:
    """Every prompt to its own fixed random states."""

    name, width, fingerprint = "hashed", TEXT_WIDTH, "hashed-text"

    def __call__(self, prompts: Sequence[str]) -> TextEmbedding:
        states = []
        for prompt in prompts:
            seed = int.from_bytes(hashlib.sha256(prompt.encode()).digest()[:7], "big")
            generator = torch.Generator().manual_seed(seed)
            states.append(torch.randn(3, TEXT_WIDTH, generator=generator))
        return TextEmbedding(torch.stack(states), torch.ones(len(prompts), 3, dtype=torch.bool))


def toy_preset(**training: object) -> Preset:
    preset = fit_preset(
        load_preset("tiny"), latent_dim=LATENT_DIM, text_width=TEXT_WIDTH, frame_rate_hz=RATE_HZ
    )
    return replace(preset, training=replace(preset.training, **training))  # pyright: ignore[reportArgumentType]


def toy_stats() -> LatentStats:
    return LatentStats(mean=torch.full((4, LATENT_DIM), 0.1), std=torch.full((4, LATENT_DIM), 2.0))


def toy_learner(
    *,
    seed: int = 0,
    total_steps: int = 20,
    dtype: torch.dtype = torch.float32,
    model: nn.Module | None = None,
    **training: object,
) -> Learner:
    return Learner(
        toy_preset(**training),
        stats=toy_stats(),
        text_encoder=HashedText(),
        total_steps=total_steps,
        seed=seed,
        dtype=dtype,
        model=model,
    )


def toy_batch(step: int, size: int = 4, present: Sequence[bool] = (True,) * 4) -> Batch:
    generator = torch.Generator().manual_seed(step)
    presence = torch.tensor([present] * size)
    latents = torch.randn(size, 4, LATENT_DIM, FRAMES, generator=generator)
    return Batch(
        latents=latents * presence[:, :, None, None],
        presence=presence,
        frame_mask=None,
        prompts=tuple(f"song {step} {i}" for i in range(size)),
        sample_ids=torch.arange(size) + step * size,
    )

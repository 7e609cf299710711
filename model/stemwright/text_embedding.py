"""Text as the model sees it. Axes: B batch, L token, E text channel."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class TextEmbedding:
    """Token states and which of them are real."""

    states: Tensor
    """float [B, L, E]; zero where masked."""
    mask: Tensor
    """boolean [B, L], true at real tokens."""

    def __len__(self) -> int:
        return self.states.shape[0]

    def to(self, device: torch.device | str, dtype: torch.dtype = torch.float32) -> "TextEmbedding":
        return TextEmbedding(self.states.to(device, dtype), self.mask.to(device))

    def __getitem__(self, rows: Tensor | slice) -> "TextEmbedding":
        """Some rows of the batch."""
        return TextEmbedding(self.states[rows], self.mask[rows])


def cat(embeddings: Sequence[TextEmbedding]) -> TextEmbedding:
    """Embeddings of several batches as one, padded to the longest."""
    length = max(embedding.states.shape[1] for embedding in embeddings)
    padded = [pad(embedding, length) for embedding in embeddings]
    return TextEmbedding(torch.cat([p.states for p in padded]), torch.cat([p.mask for p in padded]))


def pad(embedding: TextEmbedding, length: int) -> TextEmbedding:
    """The same embedding with L = `length` tokens, the new ones masked."""
    missing = length - embedding.states.shape[1]
    return TextEmbedding(
        torch.nn.functional.pad(embedding.states, (0, 0, 0, missing)),
        torch.nn.functional.pad(embedding.mask, (0, missing)),
    )


@runtime_checkable
class TextEncoder(Protocol):
    """Prompts → `TextEmbedding`. Frozen: it is never trained here."""

    name: str
    """What `load_text_encoder` calls it."""
    width: int
    """E."""
    fingerprint: str
    """Changes whenever an equal prompt would give another embedding."""

    def __call__(self, prompts: Sequence[str]) -> TextEmbedding:
        """Encode B prompts."""
        ...

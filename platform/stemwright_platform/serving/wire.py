"""What travels between replicas: plain arrays and facts, so that no tensor brings its device along."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from stemwright.solver_name import Solver
from stemwright.text_embedding import TextEmbedding


@dataclass(frozen=True, slots=True)
class TextArrays:
    """One prompt's embedding."""

    states: NDArray[np.float32]
    """[1, L, E]."""
    mask: NDArray[np.bool_]
    """[1, L]."""

    @classmethod
    def of(cls, embedding: TextEmbedding) -> "TextArrays":
        return cls(embedding.states.cpu().numpy(), embedding.mask.cpu().numpy())

    def embedding(self, device: str) -> TextEmbedding:
        """The same as tensors; arrays that come over the wire are read-only, hence the copy."""
        states, mask = torch.from_numpy(self.states.copy()), torch.from_numpy(self.mask.copy())
        return TextEmbedding(states, mask).to(device)


@dataclass(frozen=True, kw_only=True, slots=True)
class EncodedPiece:
    """The given tracks of a piece, and how it is cut."""

    latents: NDArray[np.float32]
    """[1, K, D, S] normalised."""
    windows: tuple[tuple[int, int], ...]
    """First frame and the one after the last of each window that the piece is made in."""
    frame_rate_hz: float
    known: NDArray[np.bool_] | None = None
    """[S], the targets' frames that are kept; None where they are made from nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rewritten:
    """Takes of which a region is made anew."""

    takes: dict[str, bytes]
    """Target → its WAV file."""
    region_s: tuple[float, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class DenoisingOrder:
    """What a denoiser replica is asked for: one take of each target."""

    model: str
    """Address of the version to make it with."""
    targets: tuple[str, ...]
    given: tuple[str, ...]
    seed: int
    guidance_scale: float
    text_guidance: float
    steps: int
    solver: Solver
    piece: EncodedPiece
    """Given tracks and windows."""
    prompts: tuple[TextArrays, ...]
    """Prefix and description, for each window."""
    prefix: TextArrays
    """The prefix alone."""
    rank: tuple[float, ...] = (0.0,)
    """The lower goes first where rows are short: priority, then turn."""


@dataclass(frozen=True, slots=True)
class Step:
    """Progress of a denoising."""

    step: int
    num_steps: int

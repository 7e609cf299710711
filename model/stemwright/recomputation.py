"""Activation checkpointing (Chen 2016): the backward pass computes anew what was not kept."""

from functools import partial

from torch import nn
from torch.utils.checkpoint import checkpoint

from stemwright.unet_blocks import blocks_of


def recompute_activations(model: nn.Module) -> None:
    """Have every block keep its inputs alone. Names of parameters stay, and so do results.

    For a model that is trained; copy it before, for copies would compute with the original's blocks.
    """
    for block in blocks_of(model):
        # nothing is drawn in a block, so there is no generator to wind back
        block.forward = partial(checkpoint, block.forward, use_reentrant=False, preserve_rng_state=False)

"""Weights, gradients, moments and averages sharded over the workers (FSDP; Zhao 2023)."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from stemwright.unet_blocks import blocks_of


def shard_weights(model: nn.Module) -> None:
    """Leave each worker a shard of every parameter, in place. All workers of the process group call it.

    A block's weights are gathered where the block computes, and let go after it. Copies of the model must be
    made before.
    """
    device = next(model.parameters()).device
    mesh = init_device_mesh(device.type, (dist.get_world_size(),))
    for block in blocks_of(model):
        fully_shard(block, mesh=mesh)
    fully_shard(model, mesh=mesh)


@contextmanager
def gathered(model: nn.Module) -> Iterator[None]:
    """Within it any worker may ask the model by itself. All workers enter it together.

    Nothing is changed where the weights are not sharded.
    """
    parts = [part for part in model.modules() if isinstance(part, FSDPModule)]
    for part in parts:
        part.set_reshard_after_forward(False, recurse=False)
        part.unshard()
    try:
        yield
    finally:
        for part in parts:
            part.reshard()
            part.set_reshard_after_forward(True, recurse=False)


def full_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A state with its sharded tensors whole, in the CPU's memory and on the first worker alone.

    All workers call it together; on the others these tensors are missing.
    """
    found: dict[str, Tensor] = {}
    for name, value in state.items():
        if not isinstance(value, DTensor):
            found[name] = value
            continue
        tensor = value.full_tensor()  # one after another: the GPU never holds them all
        if dist.get_rank() == 0:
            found[name] = tensor.cpu()
    return found


def sharded_like(state: Mapping[str, Tensor], owners: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """This worker's shards of a full state, which every worker has.

    `owners`: by the state's names, the parameter that a tensor is of or a moment of. A tensor of another
    shape is left as it is.
    """
    return {name: _shard(value, owners.get(name)) for name, value in state.items()}


def _shard(value: Tensor, owner: Tensor | None) -> Tensor:
    if not isinstance(owner, DTensor) or value.shape != owner.shape:
        return value
    mesh, placements = owner.device_mesh, owner.placements
    return distribute_tensor(value.to(owner.device), mesh, placements, src_data_rank=None)

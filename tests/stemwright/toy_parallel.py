"""What one of several data-parallel workers does in a test; importable, so that processes can be spawned."""

from pathlib import Path

import torch
import torch.distributed as dist
from safetensors.torch import save_file
from toy_learning import toy_batch, toy_learner

from stemwright.batch import Batch

STEPS, GLOBAL_BATCH = 3, 4


def work(rank: int, world_size: int, folder: str) -> None:
    """Train a toy learner as one worker of `world_size`; the first writes losses and weights to `folder`."""
    torch.set_num_threads(1)
    if world_size > 1:
        dist.init_process_group("gloo", f"file://{folder}/meet", rank=rank, world_size=world_size)
    learner = toy_learner(clip=1e9)  # clipping would hide a wrong factor
    with torch.no_grad():  # the output layer starts at zero, and would hide all gradients but its own
        learner.model.leave.weight.normal_(std=0.02, generator=torch.Generator().manual_seed(1))
    found = {}
    for step in range(STEPS):
        found[f"loss.{step}"] = torch.tensor(learner.step(share(toy_batch(step), rank, world_size))["loss"])
        for name, parameter in learner.model.named_parameters():
            assert parameter.grad is not None, f"{name} is not used"
            found[f"{name}.{step}"] = parameter.grad.clone()
    if rank == 0:
        save_file(found, Path(folder) / f"{world_size}.safetensors")
    if world_size > 1:
        dist.destroy_process_group()


def share(batch: Batch, rank: int, world_size: int) -> Batch:
    """One worker's rows."""
    size = len(batch.prompts) // world_size
    rows = slice(rank * size, (rank + 1) * size)
    return Batch(
        latents=batch.latents[rows],
        presence=batch.presence[rows],
        frame_mask=None,
        prompts=batch.prompts[rows],
        sample_ids=batch.sample_ids[rows],
    )

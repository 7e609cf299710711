"""What one of several data-parallel workers does in a test; importable, so that processes can be spawned."""

import gc
from dataclasses import replace
from pathlib import Path

import torch
import torch.distributed as dist
from safetensors.torch import save_file
from toy_learning import toy_batch, toy_learner

from stemwright.batch import Batch

STEPS = 20


def work(
    rank: int, world_size: int, folder: str, micro_batch: int | None = None, first: int | None = None
) -> None:
    """Train a toy learner as one worker of `world_size`; the first writes figures and weights to `folder`."""
    torch.set_num_threads(1)
    if world_size > 1:
        dist.init_process_group("gloo", f"file://{folder}/meet", rank=rank, world_size=world_size)
    found = _train(rank, world_size, micro_batch, first)
    if rank == 0:
        save_file(found, Path(folder) / f"{world_size}.safetensors")
    if world_size > 1:
        # DDP is a cycle that holds the group, whose threads must end before Python does, or they abort it.
        gc.collect()
        dist.barrier()
        dist.destroy_process_group()


def _train(rank: int, world_size: int, micro_batch: int | None, first: int | None) -> dict[str, torch.Tensor]:
    learner = toy_learner(
        micro_batch=micro_batch,
        total_steps=STEPS,
        dtype=torch.float64,
        p1=0.7,
        p2=0.5,
        p2_starts_at_epoch=5,
        teacher_steps=2,
        region_probability=0.5,
    )
    found = {}
    for step in range(STEPS):
        for name, value in learner.step(share(padded(toy_batch(step)), rank, world_size, first)).items():
            found[f"{name}.{step}"] = torch.tensor(value, dtype=torch.float64)
        unused = [name for name, parameter in learner.model.named_parameters() if parameter.grad is None]
        assert not unused, unused
    found |= {f"parameter.{name}": value for name, value in learner.model.state_dict().items()}
    found |= {f"average.{name}": value for name, value in learner.ema.module.state_dict().items()}
    return found


def share(batch: Batch, rank: int, world_size: int, first: int | None = None) -> Batch:
    """One worker's rows; the first of two has `first` of them, all have as many by default."""
    if first is not None:
        return batch.part(slice(first, None) if rank else slice(first))
    size = len(batch.prompts) // world_size
    return batch.part(slice(rank * size, (rank + 1) * size))


def padded(batch: Batch) -> Batch:
    """With songs that end early, so that workers have unlike numbers of frames."""
    lengths = torch.tensor([batch.num_frames, 9, 20, batch.num_frames])
    return replace(batch, frame_mask=torch.arange(batch.num_frames) < lengths[:, None])

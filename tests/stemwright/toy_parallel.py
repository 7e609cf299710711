"""What one of several data-parallel workers does in a test; importable, so that processes can be spawned."""

import gc
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
import torch.distributed as dist
from safetensors.torch import load_file, save_file
from toy_learning import toy_batch, toy_learner

from stemwright.batch import Batch
from stemwright.learner import Learner

STEPS = 20


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run of the toy learner."""

    workers: int = 1
    training: dict[str, object] = field(default_factory=dict)
    """Fields of the preset's training."""
    first: int | None = None
    """Rows of a batch that the first of two workers has; all have as many by default."""
    steps: tuple[int, int] = (0, STEPS)
    """From where to where."""
    start: Path | None = None
    """What an earlier run wrote, to go on with."""
    dtype: torch.dtype = torch.float64


def work(rank: int, run: Run, file: Path) -> None:
    """Train as one worker; the first writes losses, weights, averages and moments to `file`."""
    torch.set_num_threads(1)
    if run.workers > 1:
        meeting = f"file://{file}.meet"
        dist.init_process_group("gloo", meeting, rank=rank, world_size=run.workers)
    found = _train(rank, run)
    if rank == 0:
        save_file(found, file)
    if run.workers > 1:
        # DDP is a cycle that holds the group, whose threads must end before Python does, or they abort it.
        gc.collect()
        dist.barrier()
        dist.destroy_process_group()


def _train(rank: int, run: Run) -> dict[str, torch.Tensor]:
    learner = toy_learner(
        total_steps=STEPS,
        dtype=run.dtype,
        p1=0.7,
        p2=0.5,
        p2_starts_at_epoch=5,
        teacher_steps=2,
        region_probability=0.5,
        **run.training,
    )
    if run.start:
        learner.load_state(load_file(run.start))
    found = {}
    for step in range(*run.steps):
        batch = share(padded(toy_batch(step)), rank, run)
        for name, value in learner.step(batch).items():
            found[f"figure.{name}.{step}"] = torch.tensor(value, dtype=torch.float64)
        check_gradients(learner)
    with learner.gathered():
        found |= learner.state()
        if rank == 0:
            found["asked"] = asked(learner)
    return found


def asked(learner: Learner) -> torch.Tensor:
    """What the averaged model says; asked by one worker alone."""
    batch, draws = toy_batch(99), learner.draws
    drawn = draws.draw(batch, learner.step_count)
    return learner.evaluate(batch, drawn, draws.noise(batch)).eps.contiguous()


def check_gradients(learner: Learner) -> None:
    """Every parameter has one; where several workers share them, they lie in few buckets."""
    unused = [name for name, parameter in learner.model.named_parameters() if parameter.grad is None]
    assert not unused, unused
    if dist.is_initialized() and learner.config.parallel == "ddp":
        gradients = [parameter.grad for parameter in learner.model.parameters()]
        places = {each.untyped_storage().data_ptr() for each in gradients if each is not None}
        assert len(places) < len(gradients) / 4


def share(batch: Batch, rank: int, run: Run) -> Batch:
    """One worker's rows."""
    if run.first is not None:
        return batch.part(slice(run.first, None) if rank else slice(run.first))
    size = len(batch.prompts) // run.workers
    return batch.part(slice(rank * size, (rank + 1) * size))


def padded(batch: Batch) -> Batch:
    """With songs that end early, so that workers have unlike numbers of frames."""
    lengths = torch.tensor([batch.num_frames, 9, 20, batch.num_frames])
    return replace(batch, frame_mask=torch.arange(batch.num_frames) < lengths[:, None])

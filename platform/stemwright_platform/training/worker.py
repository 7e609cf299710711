"""One Ray Train worker: the learner's loop, and what all workers of a run must agree on."""

import os
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from stemwright.errors import InputError, is_out_of_room
from stemwright.run_folder import RunFolder
from stemwright.run_keeper import RunKeeper
from stemwright.training_loop import train
from stemwright.training_run import TrainingPlan, TrainingRun
from stemwright_platform.training.teacher_crew import REFRESH_STEPS, Hands
from stemwright_platform.training.teacher_pool import PooledTeacher
from stemwright_platform.training.verdict import Answer, Verdict

VALIDATION_LOSS = "validation_loss"
"""Reported to Ray at each checkpoint, for sweeps."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Assignment:
    """What every worker is told."""

    plan: TrainingPlan
    """The run."""
    out: str
    """Its folder, which every worker must see."""
    threads: int | None
    """Torch threads of a worker; its share of the machine's cores by default."""
    teachers: Hands = ()
    """Actors that make the given tracks, by rank; none: each worker makes its own."""
    teacher_refresh_steps: int = REFRESH_STEPS
    """Steps from one set of weights for them to the next."""
    verdict: Verdict | None = None
    """Where to say why the run cannot go on; a worker that is alone just returns it."""


def train_worker(config: dict[str, Any]) -> Answer:
    """Train to the end. What a retry cannot mend is returned rather than raised."""
    assignment: Assignment = config["assignment"]
    if assignment.verdict and (answer := assignment.verdict.read()):
        return answer
    try:
        return _train(assignment)
    except InputError as error:
        answer = {"bad_input": str(error)}
    except OSError as error:
        if not is_out_of_room(error):
            raise
        answer = {"disk_full": error.filename or assignment.out}
    if assignment.verdict is None:
        return answer
    assignment.verdict.give(answer)
    raise RuntimeError(f"the run cannot go on: {answer}")


def _train(assignment: Assignment) -> Answer:
    import ray.train

    context = ray.train.get_context()
    # Ray pins one thread to a worker of one logical CPU
    torch.set_num_threads(assignment.threads or _share_of_cores(context.get_local_world_size()))
    rank, folder = context.get_world_rank(), RunFolder(Path(assignment.out))
    with folder.writing() if rank == 0 else nullcontext():
        return _train_rank(assignment, folder, rank)


def _train_rank(assignment: Assignment, folder: RunFolder, rank: int) -> Answer:
    import ray.train.torch

    device = str(ray.train.torch.get_device())
    present = ray.train.get_context().get_world_size()
    run = TrainingRun.of(assignment.plan, device=device, rank=rank, present=present)
    _resume(run, folder, rank)
    teacher = _pooled_teacher(run, assignment, rank)
    keeper = RunKeeper(run, folder) if rank == 0 else None
    try:
        train(
            run,
            on_record=keeper.record if keeper else lambda record: None,
            on_checkpoint=lambda: _checkpoint(run, folder, keeper),
            on_skip=keeper.skip if keeper else lambda record: None,
        )
    except DiskFull as error:
        return {"disk_full": str(error)}
    finally:
        if teacher:
            teacher.close()
        if keeper:
            keeper.close()
    return {}


def _pooled_teacher(run: TrainingRun, assignment: Assignment, rank: int) -> PooledTeacher | None:
    """Let the run's learner hear the pool, where there is one."""
    actors = assignment.teachers[rank] if assignment.teachers else ()
    if not actors:
        return None
    teacher = PooledTeacher(run.learner, actors, refresh_steps=assignment.teacher_refresh_steps)
    run.learner.teacher = teacher
    return teacher


class DiskFull(Exception):
    """There is no room for a checkpoint; every worker raises it at the same step."""


def _checkpoint(run: TrainingRun, folder: RunFolder, keeper: RunKeeper | None) -> None:
    """Save on the first worker, and report on all of them: Ray waits for every worker's report."""
    import ray.train

    full_at = None
    if keeper:
        try:
            keeper.checkpoint()
        except OSError as error:
            if not is_out_of_room(error):
                raise
            full_at = error.filename or str(folder.path)
    if _first_workers(full_at is not None, run.learner.device):
        raise DiskFull(full_at or str(folder.path))
    # figures alone: of which checkpoints there are, the folder is the one record
    ray.train.report({"step": run.learner.step_count, VALIDATION_LOSS: run.scores.get("loss", 0.0)})


def _resume(run: TrainingRun, folder: RunFolder, rank: int) -> None:
    """Go on from the folder's last whole checkpoint, all workers from the same."""
    from ray.train.collective import broadcast_from_rank_zero

    found = folder.whole_checkpoint() if rank == 0 else None
    name: str = broadcast_from_rank_zero(found.name if found else "")
    if name:
        run.resume(folder.checkpoint(0).with_name(name))


def _first_workers(value: bool, device: torch.device) -> bool:
    """The first worker's answer, on every worker."""
    shared = torch.tensor(int(value), device=device)
    if dist.is_initialized():
        dist.broadcast(shared, src=0)
    return bool(shared)


def _share_of_cores(local_workers: int) -> int:
    return max(1, len(os.sched_getaffinity(0)) // local_workers)

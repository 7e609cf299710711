"""One Ray Train worker: the learner's loop, with checkpoints reported to Ray."""

import errno
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from stemwright.errors import InputError
from stemwright.run_folder import RunFolder
from stemwright.run_keeper import RunKeeper
from stemwright.training_loop import train
from stemwright.training_run import TrainingPlan, TrainingRun
from stemwright_platform.training.teacher_crew import REFRESH_STEPS, Hands
from stemwright_platform.training.teacher_pool import PooledTeacher

VALIDATION_LOSS = "validation_loss"
"""What Ray ranks checkpoints by."""


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


def train_worker(config: dict[str, Any]) -> dict[str, str]:
    """Train to the end. What a retry cannot mend is returned rather than raised.

    Returns an empty dict, `{"bad_input": line}`, or `{"disk_full": path}`.
    """
    assignment: Assignment = config["assignment"]
    try:
        return _train(assignment)
    except InputError as error:
        return {"bad_input": str(error)}


def _train(assignment: Assignment) -> dict[str, str]:
    import ray.train
    import ray.train.torch

    context = ray.train.get_context()
    # Ray pins one thread to a worker of one logical CPU
    torch.set_num_threads(assignment.threads or _share_of_cores(context.get_local_world_size()))
    device = str(ray.train.torch.get_device())
    run = TrainingRun.of(assignment.plan, device=device, rank=context.get_world_rank())
    folder = RunFolder(Path(assignment.out))
    _resume(run, folder)
    teacher = _pooled_teacher(run, assignment, context.get_world_rank())
    keeper = RunKeeper(run, folder) if context.get_world_rank() == 0 else None
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
    from ray.train import Checkpoint, CheckpointUploadMode

    full_at, checkpoint = None, None
    if keeper:
        try:
            keeper.checkpoint()
            checkpoint = Checkpoint.from_directory(folder.checkpoint(run.learner.step_count))
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            full_at = error.filename or str(folder.path)
    if _first_workers(full_at is not None, run.learner.device):
        raise DiskFull(full_at or str(folder.path))
    metrics = {"step": run.learner.step_count, VALIDATION_LOSS: run.scores.get("loss", 0.0)}
    # it lies in the run's storage already, whole: Ray need not copy it
    ray.train.report(metrics, checkpoint, checkpoint_upload_mode=CheckpointUploadMode.NO_UPLOAD)


def _resume(run: TrainingRun, folder: RunFolder) -> None:
    """Go on from Ray's last checkpoint or, where Ray knows none, from the folder's."""
    import ray.train

    if checkpoint := ray.train.get_checkpoint():
        with checkpoint.as_directory() as path:
            run.resume(Path(path))
    elif latest := folder.latest_checkpoint():
        run.resume(latest)


def _first_workers(value: bool, device: torch.device) -> bool:
    """The first worker's answer, on every worker."""
    shared = torch.tensor(int(value), device=device)
    if dist.is_initialized():
        dist.broadcast(shared, src=0)
    return bool(shared)


def _share_of_cores(local_workers: int) -> int:
    return max(1, len(os.sched_getaffinity(0)) // local_workers)

"""What self-bootstrapping costs: from a pool on a device of its own, and inline on the worker.

    make bench-teacher      (or: python benchmarks/teacher_pool.py --blocks 5)

The pool's device is simulated: an actor that sleeps for a fixed share of a training step instead of
generating, and otherwise does all that a real one does: reads, draws, fetches weights, sends tracks. Preset
small on one thread, with a smaller batch, in this process; blocks of steps with the pool and without p2
take turns, and the first steps of a block, for which the pool had time while the other trained, do not
count. Inline: preset small as it is, steps with and without p2 in turns. Random latents; two cores; writes
benchmarks/results/teacher_pool.md.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from machine import RESULTS, hardware, table
from reader_speed import write_dataset
from step_speed import RandomText
from torch import Tensor

from stemwright.batch import Batch
from stemwright.presets import Preset, load_preset
from stemwright.training_draw import TrainingDraw
from stemwright.training_run import TrainingPlan, TrainingRun
from stemwright_platform.cluster import connect
from stemwright_platform.training.teacher_actor import MAX_CONCURRENCY, Studio, TeacherActor
from stemwright_platform.training.teacher_feed import ORDERS_EACH
from stemwright_platform.training.teacher_pool import AHEAD_STEPS, PooledTeacher

P2 = 0.5
SMALLER: dict[str, object] = {"batch_size": 4, "windows_s": (1.0,)}
BLOCK, SKIPPED = 65, AHEAD_STEPS + ORDERS_EACH + 7
"""Steps of a block, and those at its start that do not count."""
STEPS = 100_000
TEXT = RandomText(384)


class DistantTeacher(TeacherActor):
    """A teacher whose device is elsewhere: it takes its time, but none of this machine's."""

    def __init__(self, plan: TrainingPlan, cost_s: float) -> None:
        super().__init__(plan, 0, text_encoder=TEXT)
        self._cost_s = cost_s

    def _made(self, studio: Studio, batch: Batch, drawn: TrainingDraw) -> Tensor:
        time.sleep(self._cost_s)
        return torch.zeros_like(batch.latents)


@dataclass(slots=True)
class Arm:
    """A run that takes turns with another."""

    run: TrainingRun
    step: int = 0
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)
    """Of this process, all threads: other work on the machine does not change it."""
    figures: list[dict[str, float]] = field(default_factory=list)

    def train(self, steps: int, skipped: int = 0) -> None:
        for number in range(steps):
            batch = self.run.windows.batch(self.step)
            start, cpu_start = time.perf_counter(), time.process_time()
            figures = self.run.learner.step(batch)
            if number >= skipped:
                self.seconds.append(time.perf_counter() - start)
                self.cpu_seconds.append(time.process_time() - cpu_start)
                self.figures.append(figures)
            self.step += 1

    def total(self, name: str) -> float:
        return sum(figures.get(name, 0.0) for figures in self.figures)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--blocks", type=int, default=5, help="of each arm, for the pool that must keep up")
    parser.add_argument("--costs", type=float, nargs="+", default=[0.6, 0.3, 1.5], help="shares of a step")
    parser.add_argument("--inline-steps", type=int, default=8)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        write_dataset(Path(folder), 2.5, "float16")
        pooled = [
            pool_row(folder, cost, arguments.blocks if number == 0 else max(1, arguments.blocks // 2))
            for number, cost in enumerate(arguments.costs)
        ]
        torch.set_num_threads(2)
        inline = [inline_row(folder, steps, arguments.inline_steps) for steps in (4, 8)]
    report(pooled, inline)


def pool_row(data: str, share: float, blocks: int) -> list[object]:
    """A pool of one teacher that takes a share of a step for each step."""
    import ray

    torch.set_num_threads(1)
    connect(4)
    without, taught = Arm(opened(data, p2=0.0, **SMALLER)), Arm(opened(data, p2=P2, **SMALLER))
    without.train(10)
    cost_s = share * statistics.median(without.seconds)
    kind: Any = ray.remote(DistantTeacher)
    actor = kind.options(num_cpus=1, max_concurrency=MAX_CONCURRENCY).remote(taught.run.plan, cost_s)
    teacher = PooledTeacher(taught.run.learner, [actor])
    taught.run.learner.teacher = teacher
    while teacher.waiting_steps < 2:
        time.sleep(0.05)
    without.seconds.clear()
    without.cpu_seconds.clear()
    without.figures.clear()
    for _ in range(blocks):
        for arm in (without, taught):
            arm.train(BLOCK, SKIPPED)
    teacher.close()
    ray.kill(actor)
    served = taught.total("teacher_served") / taught.total("teacher_wanted")
    age = statistics.mean(f["teacher_age_steps"] for f in taught.figures if "teacher_age_steps" in f)
    row = [
        f"{share:.0%}",
        len(taught.seconds),
        milliseconds(without.seconds),
        milliseconds(taught.seconds),
        f"{statistics.median(without.seconds) / statistics.median(taught.seconds):.3f}",
        f"{statistics.mean(without.seconds) / statistics.mean(taught.seconds):.3f}",
        f"{statistics.mean(without.cpu_seconds) / statistics.mean(taught.cpu_seconds):.3f}",
        f"{served:.1%}",
        f"{age:.0f}",
    ]
    print("pool", *row, flush=True)
    return row


def inline_row(data: str, teacher_steps: int, steps: int) -> list[object]:
    """Preset small making its own tracks, against itself without p2."""
    without, taught = Arm(opened(data, p2=0.0)), Arm(opened(data, p2=P2, teacher_steps=teacher_steps))
    for number in range(steps + 1):
        for arm in (without, taught):
            arm.train(1, skipped=int(number == 0))
    ratio = statistics.mean(taught.seconds) / statistics.mean(without.seconds)
    cpu_ratio = statistics.mean(taught.cpu_seconds) / statistics.mean(without.cpu_seconds)
    row = [
        teacher_steps,
        len(taught.seconds),
        milliseconds(without.seconds),
        milliseconds(taught.seconds),
        f"{ratio:.2f}",
        f"{cpu_ratio:.2f}",
    ]
    print("inline", *row, flush=True)
    return row


def opened(data: str, **training: object) -> TrainingRun:
    """Preset small at the end of its curriculum, with p2 from the first step on."""
    preset = load_preset("small")
    plan = TrainingPlan(
        preset=with_training(preset, curriculum="uniform", p2_starts_at_epoch=0, **training),
        data=data,
        steps=STEPS,
    )
    return TrainingRun.of(plan, text_encoder=TEXT)


def with_training(preset: Preset, **training: object) -> Preset:
    return replace(preset, training=replace(preset.training, **training))  # pyright: ignore[reportArgumentType]


def milliseconds(seconds: Sequence[float]) -> str:
    return f"{1e3 * statistics.median(seconds):.0f}"


def report(pooled: list[list[object]], inline: list[list[object]]) -> None:
    heads = "cost of a step | steps | p2 = 0, ms | pool, ms | rate | by means | by CPU | served | age, steps"
    inline_heads = "teacher_steps | steps | p2 = 0, ms | inline, ms | times | by CPU"
    text = f"""# The teacher's tracks: from a pool, and inline

{hardware()} (one thread for the training beside a pool)

**From a pool** on a simulated device, p2 = {P2}, preset small with batch {SMALLER["batch_size"]} and windows
of 1 s: medians of a training step, step rate beside p2 = 0, share of p2's samples that were served.
By CPU time leaves out what else ran on the machine.

{table(heads.split(" | "), pooled)}
**Inline**, p2 = {P2}, preset small, all tasks equally likely: medians of a step, and the ratio of the means.

{table(inline_heads.split(" | "), inline)}"""
    (RESULTS / "teacher_pool.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()

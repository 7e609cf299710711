"""One data-parallel worker against two: how much of the second core arrives, and where the rest goes.

    make bench-scaling      (or: python benchmarks/training_scaling.py --rounds 12)

Each worker is a process pinned to a core, with one torch thread and a batch of its own (weak scaling), preset
small. In turns of two steps: a worker alone; two that know nothing of each other (what the machine itself
loses when both cores work: caches, memory, clock rate); two without exchange of gradients (the loss's own
sums remain); and two as they train, by several ways to exchange gradients with gloo. Efficiency is the
median step alone over the median step of two. Exact ways only: none rounds gradients.

Random latents and prompts, so that nothing but the step is timed. Writes
benchmarks/results/training_scaling.md.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.distributed as dist
from hands import Hand, Work, together
from machine import RESULTS, hardware, table
from step_speed import make_learner, random_batch
from torch.nn.parallel import DistributedDataParallel

from stemwright.learner import Learner
from stemwright.presets import load_preset

TARGET = 0.85
TURN = 2
ALONE, APART, SILENT, OURS = (
    "one worker",
    "two, apart",
    "two, no gradients exchanged",
    "two, as the learner does",
)
DDP: dict[str, dict[str, object]] = {
    "two, gradients as views of buckets": {"gradient_as_bucket_view": True},
    "two, views and static graph": {"gradient_as_bucket_view": True, "static_graph": True},
    "two, one bucket after the backward pass": {"bucket_cap_mb": 1000},
    "two, buckets of 5 MB": {"bucket_cap_mb": 5},
}
EXCHANGE = "all-reduce of as many numbers"
ARMS = (ALONE, APART, SILENT, OURS, *DDP)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=12, help=f"turns of {TURN} steps of each arm")
    parser.add_argument("--preset", default="small")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    arguments = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))[:2]
    if len(cores) < 2:
        raise SystemExit("two workers need two cores: give this process another one")
    environment = {"OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as meet:
        apart = [Hand(lone_worker, arguments.preset, core, environment=environment) for core in cores]
        pair = [
            Hand(paired_worker, arguments.preset, core, rank, meet, environment=environment)
            for rank, core in enumerate(cores)
        ]
        seconds = measured(apart, pair, arguments.rounds)
        for hand in (*apart, *pair):
            hand.end()
    report(seconds, arguments)


def measured(apart: list[Hand], pair: list[Hand], rounds: int) -> dict[str, list[float]]:
    """Seconds of every step of every arm, the first round left out."""
    seconds: dict[str, list[float]] = {arm: [] for arm in (*ARMS, EXCHANGE)}
    for turn in range(rounds + 1):
        for arm in seconds:
            hands = {ALONE: apart[:1], APART: apart}.get(arm, pair)
            found = [second for own in together(hands, arm) for second in own]
            if turn:
                seconds[arm] += found
    return seconds


def lone_worker(preset: str, core: int) -> Work:
    pin(core)
    learner = make_learner(load_preset(preset), "cpu")
    batch = random_batch(learner.preset)
    return lambda word: timed(lambda: learner.step(batch))


def paired_worker(preset: str, core: int, rank: int, meet: str) -> Work:
    pin(core)
    dist.init_process_group("gloo", f"file://{meet}/meet", rank=rank, world_size=2)
    arms = {arm: paired_learner(preset, arm) for arm in (SILENT, OURS, *DDP)}
    batch = random_batch(arms[OURS].preset)
    gradients = torch.randn(sum(p.numel() for p in arms[OURS].model.parameters()))

    def work(arm: str) -> list[float]:
        if arm == EXCHANGE:
            return timed(lambda: dist.all_reduce(gradients.clone()))
        return timed(lambda: arms[arm].step(batch))

    return work


def paired_learner(preset: str, arm: str) -> Learner:
    learner = make_learner(load_preset(preset), "cpu")
    if arm == SILENT:
        learner._parallel = learner.model
    elif arm in DDP:
        learner._parallel = DistributedDataParallel(learner.model, **DDP[arm])  # pyright: ignore
    return learner


def pin(core: int) -> None:
    os.sched_setaffinity(0, {core})
    torch.set_num_threads(1)
    torch.manual_seed(core)


def timed(step: Callable[[], object]) -> list[float]:
    seconds = []
    for _ in range(TURN):
        start = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - start)
    return seconds


def report(seconds: dict[str, list[float]], arguments: argparse.Namespace) -> None:
    batch = load_preset(arguments.preset).training.batch_size
    step = {arm: statistics.median(found) for arm, found in seconds.items()}
    rows = [
        (arm, f"{step[arm]:.3f}", f"{batch * (1 if arm == ALONE else 2) / step[arm]:.1f}", share)
        for arm in ARMS
        for share in [f"{step[ALONE] / step[arm]:.3f}"]
    ]
    text = (
        f"{hardware()}; a worker has one core and one thread\n\nPreset {arguments.preset}, {batch} windows a "
        f"worker, medians of {arguments.rounds * TURN} steps. Target: efficiency of at least {TARGET:.2f}. "
        f"An {EXCHANGE} as there are gradients takes {step[EXCHANGE]:.3f} s.\n\n"
        + table(("", "s a step", "windows/s", "efficiency"), rows)
    )
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "training_scaling.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()

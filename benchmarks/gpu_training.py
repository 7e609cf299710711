"""On a CUDA device: model FLOPs utilisation of training in bf16, peak memory, and where the time goes.

    make bench-gpu      (or: python benchmarks/gpu_training.py --presets base paper --steps 10)

For each preset and each of its window lengths the whole of `Learner.step` is timed with the preset's batch,
AdamW and EMA included, the device awaited after every step. FLOPs are those of the model's own products,
forward and backward, counted by torch's FlopCounterMode on that very step. Utilisation is over the device's
dense bf16 peak as its maker states it or, for a device unknown here, over the rate of a large product, which
is no peak: the table says which. For the preset's longest windows a profile lists the kernels that take most
time, and how long the device waited for work. A length that does not fit into memory is said to be so.

Random latents and prompts. Writes benchmarks/results/gpu_training.md. `--device cpu` goes through the same
motions and writes nothing.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from machine import RESULTS, hardware, table
from step_speed import make_learner, matmul_rate, random_batch
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from stemwright.batch import Batch
from stemwright.gpus import gpu_of_driver
from stemwright.learner import Learner
from stemwright.presets import load_preset

TARGET = 0.45
KERNELS = 15
HEADS = (
    "preset",
    "parameters, M",
    "batch",
    "window, s",
    "step, s",
    "TFLOP a step",
    "utilisation",
    "peak memory, GiB",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--presets", nargs="+", default=["base", "paper"])
    parser.add_argument("--steps", type=int, default=10, help="that count, of each length")
    parser.add_argument("--batch-size", type=int, help="windows a step; the preset's by default")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    arguments = parser.parse_args()
    device = arguments.device
    if device == "cuda" and not torch.cuda.is_available():
        raise SystemExit("this benchmark needs a CUDA device, and torch sees none here")
    peak, source = peak_rate(device)
    rows, profiles = [], []
    for name in arguments.presets:
        preset = load_preset(name)
        batch_size = arguments.batch_size or preset.training.batch_size
        preset = replace(preset, training=replace(preset.training, precision="bf16", batch_size=batch_size))
        learner = make_learner(preset, device)
        for window_s in sorted(preset.training.windows_s):
            rows.append(measured(learner, window_s, arguments.steps, peak))
            print(*rows[-1], flush=True)
        longest = max(preset.training.windows_s)
        profiles.append(f"## {name}, windows of {longest:g} s\n\n{profiled(learner, longest)}")
        del learner
    text = f"{hardware(device)}; peak {peak / 1e12:.3g} TFLOP/s, {source}. Target: {TARGET:.0%}.\n\n"
    text += "\n".join([table(HEADS, rows), *profiles])
    print(text)
    if device == "cuda":
        arguments.out.mkdir(parents=True, exist_ok=True)
        (arguments.out / "gpu_training.md").write_text(text)


def peak_rate(device: str) -> tuple[float, str]:
    """Operations a second in bf16, and where the figure is from."""
    known = gpu_of_driver(torch.cuda.get_device_name()) if device == "cuda" else None
    if known is not None:
        return known.bf16_flops, "as the maker states it"
    return matmul_rate(torch.bfloat16, device), "the rate of one large product here"


def measured(learner: Learner, window_s: float, steps: int, peak: float) -> list[object]:
    """A row of the table."""
    preset, device = learner.preset, learner.device.type
    count = sum(parameter.numel() for parameter in learner.model.parameters())
    facts: list[object] = [preset.name, f"{count / 1e6:.0f}", preset.training.batch_size, window_s]
    if device == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    try:
        step = stepping(learner, window_s)
        step()  # the first one chooses kernels and allocates
        flops = counted(step)
        seconds = statistics.median(awaited(step, device) for _ in range(steps))
    except torch.cuda.OutOfMemoryError:
        return [*facts, "out of memory", "–", "–", "–"]
    memory = f"{torch.cuda.max_memory_allocated() / 2**30:.1f}" if device == "cuda" else "–"
    return [*facts, f"{seconds:.4f}", f"{flops / 1e12:.3g}", f"{flops / seconds / peak:.1%}", memory]


def stepping(learner: Learner, window_s: float) -> Callable[[], object]:
    batch: Batch = random_batch(learner.preset, window_s)
    return lambda: learner.step(batch)


def counted(step: Callable[[], object]) -> int:
    with FlopCounterMode(display=False) as counter:
        step()
    return counter.get_total_flops()


def awaited(step: Callable[[], object], device: str) -> float:
    start = time.perf_counter()
    step()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def profiled(learner: Learner, window_s: float) -> str:
    """The kernels that take most of a step, as a table, and the device's share of the step's time."""
    cuda = learner.device.type == "cuda"
    try:
        step = stepping(learner, window_s)
        step()
        activities = [ProfilerActivity.CPU] + [ProfilerActivity.CUDA] * cuda
        with profile(activities=activities) as profiler:
            seconds = awaited(step, learner.device.type)
    except torch.cuda.OutOfMemoryError:
        return "Out of memory.\n"
    spent = {
        event.key: (event.self_device_time_total if cuda else event.self_cpu_time_total, event.count)
        for event in profiler.key_averages()
        if not cuda or (event.device_type.name == "CUDA" and not event.is_user_annotation)
    }
    busy_us = sum(microseconds for microseconds, _ in spent.values())
    top = sorted(spent.items(), key=lambda item: -item[1][0])[:KERNELS]
    rows = [(f"`{key[:90]}`", count, f"{us / 1e3:.2f}", f"{us / busy_us:.1%}") for key, (us, count) in top]
    return f"The device worked for {busy_us / 1e6 / seconds:.0%} of the profiled step.\n\n" + table(
        ("kernel", "calls", "ms", "share"), rows
    )


if __name__ == "__main__":
    main()

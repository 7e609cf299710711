"""What bf16, kinds of AdamW and torch.compile are worth: seconds of a step with and without, and memory.

    make bench-options      (or: python benchmarks/training_options.py --presets tiny small --rounds 12)

Each way is a process of its own, with all threads; they take turns, a step each. Timed are a training step
with the preset's batch, and a denoising step of one composition of 8 s with guidance (a batch of two). The
first step of each kind is listed apart: of a compiled model it is the compilation, with no cache to begin
with, which takes minutes. Random latents and prompts, so that nothing but the step is timed. `auto` is the
arithmetic that presets choose here. Memory is the most that a process ever had (compilers apart).

Writes benchmarks/results/training_options.md. torch.compile needs a C++ compiler.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from hands import Hand, Work, peak_mib
from machine import RESULTS, hardware, table
from step_speed import denoising, make_learner, random_batch

from stemwright.learner import Learner
from stemwright.presets import load_preset

CLIP_S = 8.0
TRAIN, DENOISE, MEMORY = "train", "denoise", "memory"


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """A way to run the same step."""

    name: str
    """As in the table."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Of the forward and backward pass."""
    adamw: Literal["fused", "foreach", "loop"] = "fused"
    """Implementation of the optimiser."""
    compiled: bool = False
    """Whether torch.compile has the model."""


WAYS = (
    Way(name="as presets are: auto, fused AdamW"),
    Way(name="fp32", precision="fp32"),
    Way(name="bf16", precision="bf16"),
    Way(name="foreach AdamW", adamw="foreach"),
    Way(name="AdamW tensor by tensor", adamw="loop"),
    Way(name="torch.compile", compiled=True),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--presets", nargs="+", default=["tiny", "small"])
    parser.add_argument("--compile", nargs="*", default=["small"], help="presets to try torch.compile on")
    parser.add_argument("--rounds", type=int, default=12, help="steps of each kind that count")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    arguments = parser.parse_args()
    parts = []
    for preset in arguments.presets:
        ways = [way for way in WAYS if not way.compiled or preset in arguments.compile]
        rows = measured(preset, ways, arguments.rounds)
        parts.append(f"Preset {preset}:\n\n{table(HEADS, rows)}")
        print(parts[-1], flush=True)
    arguments.out.mkdir(parents=True, exist_ok=True)
    facts = f"{hardware()}; medians of {arguments.rounds} steps\n\n"
    (arguments.out / "training_options.md").write_text(facts + "\n".join(parts))


HEADS = ("", "training step, s", "of the first line's", "denoising step, s", "of the first line's")
HEADS += ("first training step, s", "first denoising step, s", "peak memory, MiB")


def measured(preset: str, ways: Sequence[Way], rounds: int) -> list[list[object]]:
    """A row a way."""
    with tempfile.TemporaryDirectory() as caches:
        hands = {
            way: Hand(worker, preset, way, environment={"TORCHINDUCTOR_CACHE_DIR": f"{caches}/{number}"})
            for number, way in enumerate(ways)
        }
        seconds: dict[tuple[Way, str], list[float]] = {
            (way, kind): [hand.does(kind)] for kind in (TRAIN, DENOISE) for way, hand in hands.items()
        }
        for _ in range(rounds):
            for (way, kind), found in seconds.items():
                found.append(hands[way].does(kind))
        peaks = {way: hand.does(MEMORY) for way, hand in hands.items()}
        for hand in hands.values():
            hand.end()
    return [row(way, seconds, peaks[way]) for way in ways]


def row(way: Way, seconds: dict[tuple[Way, str], list[float]], peak: float) -> list[object]:
    cells: list[object] = [way.name]
    for kind in (TRAIN, DENOISE):
        step, usual = (statistics.median(seconds[one, kind][1:]) for one in (way, WAYS[0]))
        cells += [f"{step:.4f}", f"{step / usual:.2f}"]
    return [*cells, *(f"{seconds[way, kind][0]:.1f}" for kind in (TRAIN, DENOISE)), f"{peak:.0f}"]


def worker(name: str, way: Way) -> Work:
    """One way of doing the steps, in a process of its own."""
    torch.manual_seed(0)
    preset = load_preset(name)
    preset = replace(preset, training=replace(preset.training, precision=way.precision))
    learner = make_learner(preset, "cpu")
    learner.optimizer = optimizer(learner, way)
    denoiser: Callable[..., Any] = learner.ema.module
    if way.compiled:
        learner._parallel = torch.compile(learner.model)  # pyright: ignore[reportAttributeAccessIssue]
        denoiser = torch.compile(denoiser)
    batch = random_batch(learner.preset)
    steps = {
        TRAIN: lambda: learner.step(batch),
        DENOISE: denoising(learner, denoiser, "bf16" if learner.uses_bf16 else "fp32", CLIP_S),
    }
    return lambda word: peak_mib() if word == MEMORY else timed(steps[word])


def optimizer(learner: Learner, way: Way) -> torch.optim.AdamW:
    """The learner's own, in another implementation."""
    (group,) = learner.optimizer.param_groups
    return torch.optim.AdamW(
        group["params"],
        lr=group["lr"],
        betas=group["betas"],
        weight_decay=group["weight_decay"],
        fused=way.adamw == "fused",
        foreach=way.adamw == "foreach",
    )


def timed(step: Callable[[], object]) -> float:
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()

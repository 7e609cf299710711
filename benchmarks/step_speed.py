"""Seconds per denoising step and per training step, as a ratio to this machine's matmul rate in the same run.

    make bench            (or: python benchmarks/step_speed.py --presets tiny small --seconds 8)

A preset of more than 50 million parameters trains on one window a step here, not on its own batch.
FLOPs are counted by torch's FlopCounterMode on the very step that is timed. A preset that would need more
than half of the free memory is left out, and said so. Writes benchmarks/results/step_speed.json and .md.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import replace

import torch
from machine import RESULTS, hardware
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from stemwright.batch import Batch
from stemwright.buckets import judging_length
from stemwright.latent_stats import LatentStats
from stemwright.learner import Learner, fit_preset
from stemwright.presets import Preset, load_preset
from stemwright.text_embedding import TextEmbedding
from stemwright.unet import StemUNet

FRAME_RATE_HZ = 150
TOKENS = 32
LARGE = 50_000_000
TIME_LIMIT_S = 60.0
"""A preset and precision is repeated no longer than this."""
PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}


class RandomText:
    """Stands in for a text encoder, so that only the model is timed."""

    name, fingerprint = "random", "random"

    def __init__(self, width: int) -> None:
        self.width = width

    def __call__(self, prompts: object) -> TextEmbedding:
        count = len(prompts)  # pyright: ignore[reportArgumentType]
        states = torch.randn(count, TOKENS, self.width)
        return TextEmbedding(states, torch.ones(count, TOKENS, dtype=torch.bool))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--presets", nargs="+", default=["tiny", "small", "base", "paper"])
    parser.add_argument("--seconds", type=float, default=8.0, help="audio of one denoised clip")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    rows = [
        row
        for name in arguments.presets
        for row in measured_preset(load_preset(name), device, arguments.seconds, arguments.repeats)
    ]
    write(rows, hardware(device))


def measured_preset(preset: Preset, device: str, seconds: float, repeats: int) -> list[dict[str, object]]:
    schedule = preset.schedule.build()  # checks its levels, which the meta device cannot
    with torch.device("meta"):
        count = sum(p.numel() for p in StemUNet(preset.model, schedule).parameters())
    # weights, gradients, two moments and the average, in float32
    needed, free = count * 4 * 5, free_bytes(device)
    if needed > free / 2:
        print(f"{preset.name}: left out, training needs {needed / 1e9:.1f} GB of {free / 1e9:.1f} GB free")
        return []
    rows: list[dict[str, object]] = []
    for precision in PRECISIONS:
        row = measured(preset, count, precision, device, seconds, repeats)
        rows.append(row)
        print(as_line(row), flush=True)
    return rows


def measured(
    preset: Preset, count: int, precision: str, device: str, seconds: float, repeats: int
) -> dict[str, object]:
    size = 1 if count > LARGE and device == "cpu" else preset.training.batch_size
    preset = replace(preset, training=replace(preset.training, precision=precision, batch_size=size))
    learner = make_learner(preset, device)
    matmul, step, train = [], [], []
    # interleaved, so that a machine whose speed drifts does so for all three
    sampling, flops_step = denoising_step(learner, precision, seconds)
    training, flops_train = training_step(learner)
    began = time.perf_counter()
    for _ in range(repeats):
        if train and time.perf_counter() - began > TIME_LIMIT_S:
            break
        matmul.append(matmul_rate(PRECISIONS[precision], device))
        step.append(timed(sampling, device))
        train.append(timed(training, device))
    rate = statistics.median(matmul)
    return {
        "preset": preset.name,
        "parameters_m": round(count / 1e6, 1),
        "precision": precision,
        "matmul_gflops": round(rate / 1e9),
        "denoise_s": round(statistics.median(step), 4),
        "denoise_gflop": round(flops_step / 1e9, 1),
        "denoise_ratio": round(flops_step / statistics.median(step) / rate, 3),
        "train_batch": preset.training.batch_size,
        "train_window_s": judging_length(preset.training.windows_s),
        "train_s": round(statistics.median(train), 4),
        "train_gflop": round(flops_train / 1e9, 1),
        "train_ratio": round(flops_train / statistics.median(train) / rate, 3),
    }


def make_learner(preset: Preset, device: str) -> Learner:
    shape = preset.model
    preset = fit_preset(
        preset, latent_dim=shape.latent_dim, text_width=shape.text_width, frame_rate_hz=FRAME_RATE_HZ
    )
    stats = LatentStats(
        mean=torch.zeros(shape.num_tracks, shape.latent_dim),
        std=torch.ones(shape.num_tracks, shape.latent_dim),
    )
    text = RandomText(shape.text_width)
    learner = Learner(preset, stats=stats, text_encoder=text, total_steps=10_000, device=device)
    return learner


def denoising_step(learner: Learner, precision: str, seconds: float) -> tuple[Callable[[], Tensor], int]:
    step = denoising(learner, learner.ema.module, precision, seconds)
    return step, counted(step)


def denoising(
    learner: Learner, denoiser: Callable[..., Tensor], precision: str, seconds: float
) -> Callable[[], Tensor]:
    """One guided step of one composition: both halves of Eq. 6 in a batch of two."""
    shape, device = learner.preset.model, learner.device
    frames = round(seconds * FRAME_RATE_HZ / shape.stride) * shape.stride
    z = torch.randn(2, shape.num_tracks, shape.latent_dim, frames, device=device)
    t = torch.full((2, shape.num_tracks), 500, device=device)
    text = learner.text_encoder(["a", "b"]).to(device)

    @torch.no_grad()
    def step() -> Tensor:
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
            return denoiser(z, t, text)

    return step


def training_step(learner: Learner) -> tuple[Callable[[], object], int]:
    batch = random_batch(learner.preset)

    def step() -> object:
        return learner.step(batch)

    return step, counted(step)


def random_batch(preset: Preset, window_s: float | None = None) -> Batch:
    """What a step reads, of noise; of the length that validation has, unless told otherwise."""
    shape, size = preset.model, preset.training.batch_size
    window_s = window_s or judging_length(preset.training.windows_s)
    frames = round(window_s * FRAME_RATE_HZ / shape.stride) * shape.stride
    return Batch(
        latents=torch.randn(size, shape.num_tracks, shape.latent_dim, frames),
        presence=torch.ones(size, shape.num_tracks, dtype=torch.bool),
        frame_mask=None,
        prompts=("",) * size,
        sample_ids=torch.arange(size),
    )


def counted(step: Callable[[], object]) -> int:
    with FlopCounterMode(display=False) as counter:
        step()
    return counter.get_total_flops()


def matmul_rate(dtype: torch.dtype, device: str, size: int = 2048) -> float:
    """Floating-point operations a second of one large square product."""
    size = size if device == "cpu" else 8192
    a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    repeats = 8
    seconds = timed(lambda: [a @ b for _ in range(repeats)], device)
    return 2 * size**3 * repeats / seconds


def timed(step: Callable[[], object], device: str) -> float:
    """Seconds of one call; counting its FLOPs has warmed it up."""
    if device == "cuda":
        torch.cuda.synchronize()
    start = time.perf_counter()
    step()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def free_bytes(device: str) -> float:
    if device == "cuda":
        return float(torch.cuda.mem_get_info()[0])
    with open("/proc/meminfo") as lines:
        fields = dict(line.split(":", 1) for line in lines)
    return float(fields["MemAvailable"].split()[0]) * 1024


def as_line(row: dict[str, object]) -> str:
    return "  ".join(f"{key} {value}" for key, value in row.items())


def write(rows: list[dict[str, object]], machine: str) -> None:
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "step_speed.json").write_text(json.dumps({"hardware": machine, "rows": rows}, indent=1) + "\n")
    if not rows:
        return
    names = list(rows[0])
    table = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    table += ["| " + " | ".join(str(row[name]) for name in names) + " |" for row in rows]
    (RESULTS / "step_speed.md").write_text(f"{machine}\n\n" + "\n".join(table) + "\n")


if __name__ == "__main__":
    main()

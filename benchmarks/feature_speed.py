"""How fast a signal's features are extracted on one core, and musicnn's front end against plain convolutions.

    python benchmarks/feature_speed.py --seconds 10 --rounds 7

One thread; its CPU time counts, so that others on the machine take none away, and of all rounds the quickest.
A clip is five signals, four stems and their mix, at 48 kHz. Features whose weights do not ship are left out.
Writes benchmarks/results/feature_speed.md.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
import soxr
import torch
import torch.nn.functional as F
from machine import RESULTS, hardware, table
from torch import Tensor

from stemwright.metrics.feature import Feature
from stemwright.metrics.harmony import Harmony
from stemwright.metrics.levels import Levels
from stemwright.metrics.musicnn import BANDS, PATCH_FRAMES, Musicnn
from stemwright.metrics.musicnn_front import BatchNorm, TemporalFilters, TimbralFilters, unfolded_spectra
from stemwright.metrics.rhythm import Rhythm

RATE_HZ, SIGNALS = 48_000, 5
FRAME_RATE_HZ = 62.5
PATCHES = 4
MATMUL = 1024
LAYERS = {"timbral 7 × 38": (7, 38, 204), "timbral 7 × 67": (7, 67, 204)} | {
    f"temporal {taps} × 1": (taps, 1, 51) for taps in (128, 64, 32)
}
"""Name → frames, bands and filters of musicnn's branches."""

HEADING = """# Speed of features

{hardware}, a matrix product at {matmul:.0f} GFLOP/s in the same run; signals of {seconds:g} s. Times real
time of one signal, and of a clip of {signals} signals, on one core; the share of the time that the embedded
features take.

"""
BETWEEN = """
musicnn's front end in times real time: as it is here, as `conv2d` and the maximum over bands, and their
ratio; the last column is what of the matrix product's GFLOP/s `conv2d` reaches.

"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0, help="length of the signal")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    features = feature_rows(arguments.seconds, arguments.rounds)
    layers, matmul = layer_rows(arguments.rounds)
    text = HEADING.format(
        hardware=hardware(), matmul=matmul / 1e9, seconds=arguments.seconds, signals=SIGNALS
    )
    text += table(["feature", "signal", "clip", "share"], features) + BETWEEN
    text += table(["branch", "here", "conv2d", "ratio", "conv2d's share of the matrix product"], layers)
    (RESULTS / "feature_speed.md").write_text(text, encoding="utf-8")
    print(text)


def feature_rows(seconds: float, rounds: int) -> list[list[str]]:
    """The embedded features in the first block; "all" is their sum."""
    audio = music(seconds)
    embedded: list[Feature] = [Musicnn(), Rhythm(), Harmony(), Levels()]
    heard = {feature.name: at_rate(audio, feature.sample_rate_hz) for feature in (*embedded, Musicnn("msd"))}
    times = {"48 to 16 kHz": least_s(lambda: at_rate(audio, 16_000), rounds)}
    for feature in embedded:
        times[feature.name] = least_s(lambda feature=feature: feature.extract(heard[feature.name]), rounds)
    whole = sum(times.values())
    times["all of these"] = whole
    msd = Musicnn("msd")
    times["musicnn-msd beside"] = least_s(lambda: msd.extract(heard[msd.name]), rounds)
    return [
        [name, f"{seconds / spent:.0f}", f"{seconds / spent / SIGNALS:.1f}", f"{spent / whole:.0%}"]
        for name, spent in times.items()
    ]


def layer_rows(rounds: int) -> tuple[list[list[str]], float]:
    """The rows, and the FLOP/s of a matrix product."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(PATCHES, PATCH_FRAMES, BANDS, generator=generator)
    square = torch.randn(MATMUL, MATMUL, generator=generator)
    best = 2 * MATMUL**3 / least_s(lambda: square @ square, rounds)
    seconds = PATCHES * PATCH_FRAMES / FRAME_RATE_HZ
    rows = []
    for name, (frames, bands, filters) in LAYERS.items():
        kernel = torch.randn(frames, bands, filters, generator=generator)
        here, plain = both_forms(x, kernel)
        spent, plain_s = least_s(here, rounds), least_s(plain, rounds)
        flops = 2 * kernel.numel() * (BANDS - bands + 1) * PATCHES * PATCH_FRAMES
        rates = [f"{seconds / spent:.0f}", f"{seconds / plain_s:.0f}", f"{plain_s / spent:.1f}"]
        rows.append([name, *rates, f"{flops / plain_s / best:.0%}"])
    return rows, best


def both_forms(x: Tensor, kernel: Tensor) -> tuple[Callable[[], Tensor], Callable[[], Tensor]]:
    """A branch as it is here, and as a library's convolution."""
    frames, bands, filters = kernel.shape
    one, zero = torch.ones(filters), torch.zeros(filters)
    norm = BatchNorm(one, zero, zero, one)
    weight = kernel.permute(2, 0, 1)[:, None].contiguous()
    padded = F.pad(x[:, None], (0, 0, (frames - 1) // 2, frames // 2))
    if bands > 1:
        timbral = TimbralFilters(kernel, zero, norm)
        return (lambda: timbral(unfolded_spectra(x))), (lambda: F.conv2d(padded, weight).amax(3))
    temporal = TemporalFilters(kernel, zero, norm)
    return (lambda: temporal(x)), (lambda: F.conv2d(padded, weight).amax(3))


def least_s(work: Callable[[], object], rounds: int) -> float:
    """CPU seconds of the quickest round, after one to warm up."""
    work()
    spent = []
    for _ in range(rounds):
        start = time.thread_time()
        work()
        spent.append(time.thread_time() - start)
    return min(spent)


def music(seconds: float) -> Tensor:
    """`[2, n]`: a chord with noise strokes, for features that look for either."""
    t = torch.arange(int(seconds * RATE_HZ)) / RATE_HZ
    chord = sum((torch.sin(2 * torch.pi * f * t) for f in (110.0, 220.0, 277.2, 329.6)), torch.zeros(()))
    noise = torch.randn(2, len(t), generator=torch.Generator().manual_seed(0))
    return 0.05 * chord + 0.2 * noise * torch.exp(-((t * 2) % 1) * 12)


def at_rate(audio: Tensor, rate_hz: int) -> Tensor:
    if rate_hz == RATE_HZ:
        return audio
    return torch.from_numpy(soxr.resample(audio.T.numpy(), RATE_HZ, rate_hz).T.astype(np.float32))


if __name__ == "__main__":
    main()

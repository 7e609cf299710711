"""The engine on this machine's cores: a real denoiser, real steps, against whole requests and one by one.

    make bench-cores      (or: python benchmarks/serving_cores.py --preset small)

Requests as of `serving_schedule.py`, each of four tracks of 2 s. On two cores a forward of more rows takes
longer, about in proportion, so batching gains little there; what it must not do is lose. Throughput: all
requests are there at the start. Latency: Poisson arrivals at 70 % of what one by one achieves. Writes
benchmarks/results/serving_cores.md.
"""

import argparse
import statistics
from dataclasses import dataclass, field
from typing import Any

import torch
from machine import RESULTS, hardware, table
from serving_schedule import SERVERS, SHORT, Accelerator, Asked, load, measured, work

from stemwright.codec import load_codec
from stemwright.learner import fit_preset
from stemwright.presets import load_preset
from stemwright.text_embedding import TextEmbedding
from stemwright.unet import StemUNet
from stemwright_platform.cluster import connect

THREADS = 2
TEXT_WIDTH = 384
SECONDS = 2.0
ABOUT = (__doc__ or "").split("\n\n")[2].strip()
MODELS: dict[str, StemUNet] = {}
"""Of this process."""


@dataclass(slots=True)
class RealModel(Accelerator):
    """A preset's denoiser with random weights, made in whichever process steps it."""

    preset: str = field(default="small", kw_only=True)

    def __call__(self, z: torch.Tensor, t: torch.Tensor, text: object) -> torch.Tensor:
        assert isinstance(text, TextEmbedding)
        self.rows.append(len(z))
        torch.set_num_threads(THREADS)
        with torch.inference_mode():
            return model(self.preset)(z, t, text)


def model(preset_name: str) -> StemUNet:
    if preset_name not in MODELS:
        codec, preset = load_codec("mdct"), load_preset(preset_name)
        fitted = fit_preset(
            preset, latent_dim=codec.latent_dim, text_width=TEXT_WIDTH, frame_rate_hz=codec.frame_rate_hz
        )
        torch.manual_seed(0)
        MODELS[preset_name] = StemUNet(fitted.model, fitted.schedule.build()).eval()
    return MODELS[preset_name]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--preset", default="small")
    parser.add_argument("--rows", type=int, default=6)
    parser.add_argument("--requests", type=int, default=40)
    asked = parser.parse_args()
    connect()
    codec = load_codec("mdct")
    like: dict[str, Any] = {
        "shape": (1, 4, codec.latent_dim, round(SECONDS * codec.frame_rate_hz)),
        "text_width": TEXT_WIDTH,
    }
    model(asked.preset)
    rates = {}
    everything = load(asked.requests, float("inf"), 0, **like)
    for name in SERVERS:
        got = measured(name, RealModel(0.0, asked.rows, preset=asked.preset), everything)
        rates[name] = work(everything) / max(got["ends"])
    lines = [(name, f"{rate:.1f}", f"{rate / rates['one by one']:.2f}") for name, rate in rates.items()]
    arriving = 0.7 * rates["one by one"] / (work(everything) / len(everything))
    requests = load(asked.requests, arriving, 1, **like)
    p95 = {name: short_p95(name, asked, requests) for name in SERVERS}
    latencies = [(name, f"{p95[name]:.2f}", f"{p95[name] / p95['whole requests']:.2f}") for name in SERVERS]
    text = "\n".join(
        [
            f"# The engine on real cores\n\n{ABOUT}\n",
            f"Preset {asked.preset}, {asked.rows} rows, {asked.requests} requests.\n",
            table(("batched by", "row steps/s", "of one by one (target 1.0)"), lines),
            table(("batched by", f"{SHORT} steps, p95 s", "of whole requests (target 0.6)"), latencies),
            hardware() + "\n",
        ]
    )
    print(text)
    (RESULTS / "serving_cores.md").write_text(text)


def short_p95(name: str, asked: argparse.Namespace, requests: list[Asked]) -> float:
    """Seconds of the shortest requests."""
    got = measured(name, RealModel(0.0, asked.rows, preset=asked.preset), requests)["latencies"]
    short = [got[one.number] for one in requests if one.num_steps == SHORT]
    return statistics.quantiles(short, n=20)[-1]


if __name__ == "__main__":
    main()

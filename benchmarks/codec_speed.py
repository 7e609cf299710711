"""How fast the embedded codecs encode and decode on one core, and what of the machine's rate they reach.

    python benchmarks/codec_speed.py --seconds 30 --rounds 5

One thread; its CPU time counts, so that others on the machine take none away, and of all rounds the quickest.
Without weights at hand the trained codec is measured with random ones: they cost the same.
Writes benchmarks/results/codec_speed.md.
"""

import argparse
import time
from collections.abc import Callable

import torch
from machine import RESULTS, hardware, table
from torch.utils.flop_counter import FlopCounterMode

from stemwright.codec import Codec, load_codec
from stemwright.conv_codec import SHIPPED, ConvCodec
from stemwright.conv_codec_net import ConvAutoencoder, ConvCodecConfig

MATMUL = 1024
HEADING = """# Speed of the embedded codecs

{hardware}, a matrix product at {matmul:.0f} GFLOP/s in the same run; {seconds:g} s of one stereo stem. Times
real time on one core; the last two columns are of the products in linear layers and convolutions, and what of
the matrix product's rate all of the codec's time comes to.

"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30.0, help="length of the stem")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    square = torch.randn(MATMUL, MATMUL)
    rate = 2 * MATMUL**3 / least_s(lambda: square @ square, arguments.rounds)
    rows = [row for codec in codecs() for row in codec_rows(codec, arguments.seconds, arguments.rounds, rate)]
    text = HEADING.format(hardware=hardware(), matmul=rate / 1e9, seconds=arguments.seconds)
    heads = ["codec", "way", "times real time", "GFLOP a second of audio", "share of the matrix product"]
    text += table(heads, rows)
    (RESULTS / "codec_speed.md").write_text(text, encoding="utf-8")
    print(text)


def codecs() -> list[Codec]:
    """The analytic one, and the trained one with the weights that ship, or random ones."""
    if SHIPPED.is_file():
        return [load_codec("mdct"), load_codec("conv")]
    model = ConvAutoencoder(ConvCodecConfig())
    return [load_codec("mdct"), ConvCodec(model, fingerprint="random")]


def codec_rows(codec: Codec, seconds: float, rounds: int, matmul: float) -> list[list[str]]:
    """There and back."""
    audio = torch.randn(
        1, 2, round(seconds * codec.sample_rate_hz), generator=torch.Generator().manual_seed(0)
    )
    latents = codec.encode(audio * 0.1)
    ways = {"encode": lambda: codec.encode(audio * 0.1), "decode": lambda: codec.decode(latents)}
    return [
        [codec.name, way, *_figures(run, seconds, least_s(run, rounds), matmul)] for way, run in ways.items()
    ]


def least_s(run: Callable[[], object], rounds: int) -> float:
    """CPU time of the quickest round."""
    run()
    times = []
    for _ in range(rounds):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return min(times)


def _figures(run: Callable[[], object], seconds: float, least: float, matmul: float) -> list[str]:
    counter = FlopCounterMode(display=False)
    with counter:
        run()
    flops = counter.get_total_flops()
    return [f"{seconds / least:.0f}", f"{flops / seconds / 1e9:.3f}", f"{flops / least / matmul:.0%}"]


if __name__ == "__main__":
    main()

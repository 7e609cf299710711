"""What grows with the number of tracks K: parameters, work, time of a step, drawing from 2^K − 1 target sets.

    make bench-tracks      (or: python benchmarks/more_tracks.py --tracks 2 4 6 8 12)

Parameters and work are counted on shapes, for presets demo (codec conv) and paper (codec encodec). Steps are
timed with preset demo on random latents of four seconds, in turns with one of four tracks; of the rounds the
median ratio counts. Drawing is all that chance decides for a step's windows: tasks, timesteps, contexts.
Windows until every target set has been drawn: what is to be expected at the end of the curriculum, where all
are equally likely. Writes benchmarks/results/more_tracks.md.
"""

import argparse
import statistics
from collections.abc import Callable
from dataclasses import replace

import torch
from machine import RESULTS, hardware, seconds, table
from step_speed import RandomText
from training_cost import CODECS, LATENT_DIMS

from stemwright.batch import Batch
from stemwright.latent_stats import LatentStats
from stemwright.learner import Learner
from stemwright.presets import Preset, load_preset
from stemwright.tracks import Tracks
from stemwright.training_cost import fit_without_weights, num_parameters, window_flops
from stemwright.training_loop import probabilities

USUAL = 4
WINDOW_S, BATCH, ROUNDS = 4.0, 4, 7


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--tracks", type=int, nargs="+", default=[2, 4, 6, 8, 12])
    counts = parser.parse_args().tracks
    heads = (
        "K",
        "demo, M parameters",
        "paper, M parameters",
        "demo, work of a window",
        "paper, work of a window",
        "demo, time of a step",
        "drawing, ms a step",
        "target sets",
        "windows until all were drawn",
    )
    rows = [row(count) for count in counts]
    text = f"# More tracks\n\n{hardware()}. Work and time are ratios to those of {USUAL} tracks.\n\n" + table(
        heads, rows
    )
    print(text)
    (RESULTS / "more_tracks.md").write_text(text)


def row(count: int) -> list[object]:
    presets = [with_tracks(name, count) for name in ("demo", "paper")]
    usual = [with_tracks(name, USUAL) for name in ("demo", "paper")]
    parameters = [f"{num_parameters(preset) / 1e6:.1f}" for preset in presets]
    work = [f"{flops(own) / flops(other):.3f}" for own, other in zip(presets, usual, strict=True)]
    learner, other = learner_of(presets[0]), learner_of(usual[0])
    ratio = in_turns(lambda: step(learner), lambda: step(other))
    sets = 2**count - 1
    drawn = sets * sum(1 / left for left in range(1, sets + 1))
    return [count, *parameters, *work, f"{ratio:.3f}", f"{drawing_ms(learner):.2f}", sets, f"{drawn:.0f}"]


def with_tracks(name: str, count: int) -> Preset:
    """A preset with so many tracks, on data of its own codec."""
    preset, names = load_preset(name), tuple(f"track {number}" for number in range(count))
    return fit_without_weights(
        replace(preset, tracks=Tracks(names=names, prompt_names=names)),
        latent_dim=LATENT_DIMS[preset.codec],
        frame_rate_hz=CODECS[preset.codec].frame_rate_hz,
    )


def flops(preset: Preset) -> int:
    stride = preset.model.stride
    return window_flops(preset, stride * round(WINDOW_S * preset.model.frame_rate_hz / stride)).training


def learner_of(preset: Preset) -> Learner:
    training = replace(preset.training, batch_size=BATCH)
    shape = (len(preset.tracks), preset.model.latent_dim)
    return Learner(
        replace(preset, training=training),
        stats=LatentStats(mean=torch.zeros(shape), std=torch.ones(shape)),
        text_encoder=RandomText(preset.model.text_width),
        total_steps=10_000,
    )


def windows(learner: Learner) -> Batch:
    config = learner.preset.model
    frames = config.stride * round(WINDOW_S * config.frame_rate_hz / config.stride)
    return Batch(
        latents=torch.randn(BATCH, config.num_tracks, config.latent_dim, frames).half(),
        presence=torch.ones(BATCH, config.num_tracks, dtype=torch.bool),
        frame_mask=None,
        prompts=("slow blues",) * BATCH,
        sample_ids=torch.arange(BATCH) + learner.step_count * BATCH,
    )


def step(learner: Learner) -> None:
    learner.step(windows(learner))


def drawing_ms(learner: Learner) -> float:
    """Of one step: the draw, and the probabilities that are written down."""
    batch = windows(learner)
    learner.step_count = learner.total_steps // 2

    def draw() -> None:
        learner.draws.draw(batch, learner.step_count)
        probabilities(learner)

    draw()
    return 1e3 * statistics.median(seconds(draw) for _ in range(20))


def in_turns(one: Callable[[], None], other: Callable[[], None]) -> float:
    """The median of the ratios of their times, each with the other's right after it."""
    one()
    other()
    return statistics.median(seconds(one) / seconds(other) for _ in range(ROUNDS))


if __name__ == "__main__":
    main()

"""What training will need, computed from shapes: memory of each preset, time of the paper's run.

    make bench-cost      (or: python benchmarks/training_cost.py --presets base paper)

Memory is that of one of two workers, in bf16 unless the preset says fp32, for each length of windows, for all
of a worker's windows at once and for fewer, with and without recomputing; `TrainingMemory` names what is not
counted. A GPU has room where nine tenths of its memory do. The time is of products alone, at an assumed share
of the GPU's dense bf16 peak. The paper's run: 800 hours of songs of 4 minutes, all of four tracks, one window
a song an epoch, 1,000 epochs, each worker making the tracks that p2 asks for.

Needs no GPU, and measures nothing. Writes benchmarks/results/training_cost.md.
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace

from machine import RESULTS, table

from stemwright.buckets import window_frames
from stemwright.conv_codec import ConvCodec
from stemwright.conv_codec_net import ConvCodecConfig
from stemwright.encodec_codec import EncodecCodec
from stemwright.gpus import MFU, gpu_named, usable_bytes
from stemwright.mdct_codec import MdctCodec
from stemwright.presets import Preset, load_preset
from stemwright.training_cost import fit_without_weights, num_parameters, training_memory
from stemwright.training_forecast import TrainingForecast

LATENT_DIMS = {
    "mdct": MdctCodec.latent_dim,
    "conv": ConvCodecConfig().latent_dim,
    "encodec": EncodecCodec.latent_dim,
}
CODECS = {"mdct": MdctCodec, "conv": ConvCodec, "encodec": EncodecCodec}
SIZES_GB = (24, 40, 80)
WORKERS = (2, 64)
GPUS = ("A100-80GB", "H100")
EPOCHS, HOURS, SONG_MINUTES = 1000, 800, 4
MEMORY_HEADS = ("preset", "window, s", "at once", "recompute", "fixed, GB", "windows, GB", "in all, GB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--presets", nargs="+", default=["small", "demo", "base", "paper"])
    presets = [fitted(name) for name in parser.parse_args().presets]
    parts = [
        "Computed from shapes by `benchmarks/training_cost.py`; nothing here is measured.",
        memory(presets),
    ]
    if any(preset.name == "paper" for preset in presets):
        parts += [sharded(fitted("paper")), paper_runs(fitted("paper"))]
    text = "\n\n".join(parts)
    print(text)
    (RESULTS / "training_cost.md").write_text(text)


def fitted(name: str) -> Preset:
    """The preset on data of its own codec."""
    preset = load_preset(name)
    rate_hz = CODECS[preset.codec].frame_rate_hz
    return fit_without_weights(preset, latent_dim=LATENT_DIMS[preset.codec], frame_rate_hz=rate_hz)


def lengths(preset: Preset) -> tuple[int, ...]:
    """S of the preset's windows, in frames."""
    rate_hz, segment = CODECS[preset.codec].frame_rate_hz, CODECS[preset.codec].segment_frames
    stride = preset.model.stride
    found = {window_frames(each, rate_hz, stride, segment) for each in preset.training.windows_s}
    return tuple(sorted(found))


def memory(presets: list[Preset]) -> str:
    heads = (*MEMORY_HEADS, *(f"{size} GB" for size in SIZES_GB))
    rows = [row for preset in presets for length in lengths(preset) for row in memory_rows(preset, length)]
    return (
        "## Memory of one worker of two\n\nFixed: weights, gradients, AdamW's moments, averaged weights, "
        "text encoder. Windows: the batch, weights in bf16, activations, "
        "and the most that passes beside them.\n\n" + table(heads, rows)
    )


def memory_rows(preset: Preset, length: int) -> Iterator[list[object]]:
    """All of a worker's windows at once, a quarter of them, and one."""
    size = preset.training.batch_size
    for recompute in (False, True):
        for micro_batch in sorted({size, size // 4, 1}, reverse=True):
            training = replace(preset.training, micro_batch=micro_batch, recompute=recompute)
            yield memory_row(replace(preset, training=training), length)


def memory_row(preset: Preset, length: int, workers: int = 2) -> list[object]:
    held = training_memory(preset, length, workers=workers)
    of_windows = held.batch + held.weight_copies + held.activations + held.passing
    room = ["yes" if held.total <= usable_bytes(size) else "no" for size in SIZES_GB]
    seconds = f"{length / preset.model.frame_rate_hz:.3g}"
    figures = [f"{part / 1e9:.1f}" for part in (held.total - of_windows, of_windows, held.total)]
    recompute = "yes" if preset.training.recompute else "no"
    return [preset.name, seconds, preset.training.micro_batch, recompute, *figures, *room]


def sharded(preset: Preset) -> str:
    """The longest windows' memory with the model whole on each of several workers, and in shards."""
    length = max(lengths(preset))
    heads = ("workers", "parallel", *MEMORY_HEADS, *(f"{size} GB" for size in SIZES_GB))
    rows = []
    for workers, parallel in ((2, "ddp"), (2, "fsdp"), (8, "fsdp"), (64, "fsdp")):
        for micro_batch in (preset.training.batch_size, preset.training.batch_size // 4):
            training = replace(preset.training, parallel=parallel, micro_batch=micro_batch)
            row = memory_row(replace(preset, training=training), length, workers)
            rows.append([workers, parallel, *row])
    told = "Fixed: as above, and the blocks that are gathered."
    return f"## Preset {preset.name}, sharded\n\n{told}\n\n" + table(heads, rows)


def paper_runs(preset: Preset) -> str:
    songs = HOURS * 60 // SONG_MINUTES
    heads = (
        "GPUs",
        "steps",
        "learning, TFLOP",
        "teacher, TFLOP",
        "step, s",
        "hours",
        "hours, teachers apart",
    )
    rows = [paper_row(preset, workers, name, songs) for workers in WORKERS for name in GPUS]
    commands = "\n".join(command(steps(preset, workers, songs), workers) for workers in WORKERS)
    return (
        f"## Preset paper: {EPOCHS:,} epochs of {HOURS} h\n\n{songs:,} songs of {SONG_MINUTES} minutes, "
        f"{num_parameters(preset) / 1e6:.0f} M parameters, {preset.training.batch_size} windows a worker. "
        "TFLOP are a worker's, a step, in the mean over the lengths of windows and over the run. Assumed: "
        f"{MFU:.0%} of the peak; no time for reading, validation, or the sharing of gradients. The last "
        "column is the run with its teachers on other GPUs that keep up.\n\n"
        f"```sh\n{commands}\n```\n\n" + table(heads, rows)
    )


def steps(preset: Preset, workers: int, songs: int) -> int:
    return EPOCHS * -(-songs // (workers * preset.training.batch_size))


def command(count: int, workers: int) -> str:
    data = "--data data/encodec --out runs/paper"
    return f"stemwright train --preset paper {data} --steps {count} --workers {workers}"


def paper_row(preset: Preset, workers: int, name: str, songs: int) -> list[object]:
    gpu, count = gpu_named(name), steps(preset, workers, songs)
    run = TrainingForecast(
        preset=preset,
        lengths=lengths(preset),
        steps=count,
        workers=workers,
        steps_per_epoch=count // EPOCHS,
    )
    seconds, alone = run.step_s(gpu, MFU), replace(run, inline_teacher=False).step_s(gpu, MFU)
    flops = (f"{work / 1e12:.1f}" for work in (run.learning_flops, run.teacher_flops()))
    hours = (f"{each * count / 3600:.2g}" for each in (seconds, alone))
    return [f"{workers} × {name}", count, *flops, f"{seconds:.2f}", *hours]


if __name__ == "__main__":
    main()

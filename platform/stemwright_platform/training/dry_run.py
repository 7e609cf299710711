"""What a training run would do and need, in words; nothing is started and nothing written."""

from stemwright.data_mix import DataMix
from stemwright.errors import InputError
from stemwright.gpus import GPUS, Gpu, usable_bytes
from stemwright.presets import Preset
from stemwright.training_cost import (
    TrainingMemory,
    fit_without_weights,
    fitted_to,
    num_parameters,
    training_memory,
)
from stemwright.training_forecast import TrainingForecast
from stemwright.training_run import TrainingPlan, check_tracks, open_windows
from stemwright.windows import Windows
from stemwright_platform.time_left import duration_text

SIZES_GB = (24, 40, 80)
"""Of the GPUs that there are."""
DAYS_FROM_S = 3 * 86_400
OF_LENGTH = ("batch", "weight_copies", "activations", "passing")
"""The kinds of memory that depend on the windows' length."""


def dry_run(plan: TrainingPlan, gpu: Gpu | None, mfu: float, *, teachers: int = 0) -> str:
    """Data, memory, work and, of a known GPU, time. InputError for what training would refuse, too."""
    if not 0 < mfu <= 1:
        raise InputError(f"mfu is a share of a GPU's peak, above 0 and at most 1, got {mfu}")
    data = DataMix.open(plan.sources)
    check_tracks(plan.preset, data)
    windows = open_windows(plan, data)
    rate_hz = data.info.frame_rate_hz
    preset = fit_without_weights(plan.preset, latent_dim=data.info.latent_dim, frame_rate_hz=rate_hz)
    forecast = TrainingForecast(
        preset=preset,
        lengths=windows.lengths,
        steps=plan.steps or 1,
        workers=plan.workers,
        steps_per_epoch=windows.steps_per_epoch,
        inline_teacher=not teachers,
    )
    if plan.minutes is not None:
        forecast = _of_minutes(forecast, plan.minutes, gpu, mfu)
    parts = (_data(data, windows, forecast), _step(forecast), _memory(forecast, gpu), _work(forecast))
    return "\n".join([*parts, _time(forecast, gpu, mfu), "nothing was written"])


def _of_minutes(forecast: TrainingForecast, minutes: float, gpu: Gpu | None, mfu: float) -> TrainingForecast:
    if gpu is None:
        raise InputError(
            f"how many steps fit into {minutes:g} minutes depends on the GPU: give --gpu, or --steps"
        )
    return forecast.within(60 * minutes, gpu, mfu)


def _data(data: DataMix, windows: Windows, forecast: TrainingForecast) -> str:
    songs = [song for part in windows.parts for song in part.songs]
    hours = sum(song.num_frames for song in songs) / data.info.frame_rate_hz / 3600
    return (
        f"data: {data}, {len(songs)} songs to train on, {hours:.2f} h; {forecast.steps} steps of "
        f"{forecast.steps_per_epoch} an epoch are {_figure(forecast.epochs)} epochs"
    )


def _step(forecast: TrainingForecast) -> str:
    preset, workers = forecast.preset, forecast.workers
    size = preset.training.batch_size
    return (
        f"preset {preset.name}: {_millions(preset)} parameters; a step is {workers} × {size} windows = "
        f"{workers * size}{_settings(preset)}"
    )


def _memory(forecast: TrainingForecast, gpu: Gpu | None) -> str:
    """The memory of each GPU for each length of windows, and the GPUs that have it for the longest."""
    preset, longest = forecast.preset, max(forecast.lengths)
    found = {length: training_memory(preset, length, workers=forecast.workers) for length in forecast.lengths}
    lines = [f"memory of each GPU: {_always(found[longest])}"]
    for length, held in found.items():
        decides = ", which decides" if length == longest and len(found) > 1 else ""
        kinds = ", ".join(f"{_words(kind)} {_gb(getattr(held, kind))}" for kind in OF_LENGTH)
        seconds = length / preset.model.frame_rate_hz
        lines.append(f"  with windows of {seconds:.3g} s {kinds}: {_gb(held.total)} GB in all{decides}")
    sizes = sorted({*SIZES_GB, gpu.memory_gb} if gpu else SIZES_GB)
    needs = [f"{size} GB: {_fits(forecast, size)}" for size in sizes]
    return "\n".join([*lines, f"on a GPU of {'; '.join(needs)}"])


def _fits(forecast: TrainingForecast, memory_gb: int) -> str:
    """Whether a GPU has the memory for the longest windows, or which settings make it so."""
    preset, longest = forecast.preset, max(forecast.lengths)
    smaller = fitted_to(usable_bytes(memory_gb), preset, longest, workers=forecast.workers)
    if smaller is None:
        return "does not fit"
    return "fits" if smaller == preset else f"fits{_settings(smaller)}"


def _work(forecast: TrainingForecast) -> str:
    learning, teaching = forecast.learning_flops, forecast.teacher_flops()
    text = f"work: {_tflop(learning)} TFLOP a step of a worker, in the mean over the lengths"
    return text + (f", and {_tflop(teaching)} for the tracks that p2 asks for" if teaching else "")


def _time(forecast: TrainingForecast, gpu: Gpu | None, mfu: float) -> str:
    """How long the run takes on a GPU that is named."""
    if gpu is None:
        return f"time: name a GPU with --gpu ({', '.join(each.name for each in GPUS)})"
    step_s, peak = forecast.step_s(gpu, mfu), gpu.bf16_flops / 1e12
    return (
        f"time: {_duration(step_s * forecast.steps)} on {forecast.workers} × {gpu.name}, {_figure(step_s)} "
        f"s a step, if {mfu:.0%} of {peak:g} TFLOP/s are reached, which is an assumption (--mfu); reading, "
        "validation and the sharing of gradients are not counted"
    )


def _always(held: TrainingMemory) -> str:
    kinds = ("weights", "gradients", "moments", "average", "gathered", "text_encoder")
    held_kinds = [kind for kind in kinds if getattr(held, kind)]
    return ", ".join(f"{_words(kind)} {_gb(getattr(held, kind))}" for kind in held_kinds) + " GB"


def _settings(preset: Preset) -> str:
    config = preset.training
    parts = [f"micro_batch {config.micro_batch}"] if config.micro_batch else []
    parts += ["recompute"] if config.recompute else []
    parts += [f"parallel {config.parallel}"] if config.parallel != "ddp" else []
    return f" with {' and '.join(parts)}" if parts else ""


def _words(kind: str) -> str:
    return kind.replace("_", " ")


def _gb(num_bytes: int) -> str:
    return f"{num_bytes / 1e9:.1f}"


def _tflop(flops: float) -> str:
    return _figure(flops / 1e12)


def _millions(preset: Preset) -> str:
    return f"{num_parameters(preset) / 1e6:.3g} M"


def _figure(value: float) -> str:
    """Three digits, without an exponent."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _duration(seconds: float) -> str:
    return f"{seconds / 86_400:.0f} days" if seconds >= DAYS_FROM_S else duration_text(seconds)

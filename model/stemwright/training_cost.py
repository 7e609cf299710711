"""What a training step takes, from shapes alone: parameters, work, and each kind of a GPU's memory.

Axes: B batch, K track, D latent channel, S latent frame.
"""

from dataclasses import dataclass, fields, replace
from functools import lru_cache

from stemwright.errors import InputError
from stemwright.learner import fit_preset
from stemwright.presets import Preset, TrainingConfig
from stemwright.training_trace import Flops, HeldBytes, meta_model, traced_bytes, traced_flops
from stemwright.unet_blocks import blocks_of

FLOAT = 4
"""Bytes."""
BATCH_BYTES = 18
"""Of each latent of a step: as read in float16; normalised, noise, noised and predicted in float32."""
TEXT_ENCODER_PARAMETERS = {"minilm": 22_713_216, "minilm-facts": 22_713_216, "flan-t5": 341_231_104}
"""Of the frozen encoders as published, in float32 beside the model."""
TEXT_WIDTHS = {"minilm": 384, "minilm-facts": 384, "flan-t5": 1024}
"""E of the same."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingMemory:
    """Bytes that a worker holds on its GPU, by kind.

    Not counted: the CUDA context (0.5 to 1 GB), the allocator's gaps, libraries' workspaces, and what a
    teacher in the same process takes while it works, when activations are not there. The gradients are
    counted as there throughout, which they are with `micro_batch` or several workers; where all windows of
    one go through the model at once the true peak is lower, by at most that much. Of sharded weights,
    gradients, moments and averages a worker holds its shard.
    """

    weights: int
    """Of the model, float32."""
    gradients: int
    """float32; with DDP they lie in the buckets in which they travel."""
    moments: int
    """AdamW's two, float32."""
    average: int
    """The averaged weights, float32."""
    gathered: int
    """With FSDP, whole weights and gradients of the blocks that compute and travel; else none."""
    text_encoder: int
    """Frozen weights, float32."""
    batch: int
    """The step's windows: all of them, also those that wait for their turn."""
    weight_copies: int
    """Weights in bf16 that the backward pass needs again."""
    activations: int
    """What else the forward pass leaves to the backward pass."""
    passing: int
    """What forward and backward pass hold beside that at their highest."""

    @property
    def total(self) -> int:
        return sum(getattr(self, field.name) for field in fields(self))


def fit_without_weights(preset: Preset, *, latent_dim: int, frame_rate_hz: float) -> Preset:
    """The preset with the model's sizes; E is that of the published text encoder, which is not loaded."""
    if preset.text_encoder not in TEXT_WIDTHS:
        raise InputError(
            f"unknown text encoder '{preset.text_encoder}': choose from {', '.join(TEXT_WIDTHS)}"
        )
    width = TEXT_WIDTHS[preset.text_encoder]
    return fit_preset(preset, latent_dim=latent_dim, text_width=width, frame_rate_hz=frame_rate_hz)


@lru_cache(maxsize=16)
def num_parameters(preset: Preset) -> int:
    """All parameters, those of LoRA among them."""
    return sum(parameter.numel() for parameter in meta_model(preset).parameters())


@lru_cache(maxsize=16)
def num_trained(preset: Preset) -> int:
    """Trained parameters."""
    return sum(each.numel() for each in meta_model(preset).parameters() if each.requires_grad)


@lru_cache(maxsize=64)
def window_flops(preset: Preset, num_frames: int) -> Flops:
    """Work for one window of S = `num_frames`. The preset must be fitted."""
    return traced_flops(preset, num_frames=num_frames)


def training_memory(preset: Preset, num_frames: int, *, workers: int = 1) -> TrainingMemory:
    """Memory of each worker on windows of S = `num_frames`, in bf16 unless the preset says fp32.

    The preset, fitted, says how many windows a step has, how many of them go through the model at once, and
    whether activations are recomputed.
    """
    config, shape = preset.training, preset.model
    held = _traced_bytes(preset, config.micro_batch or config.batch_size, num_frames)
    sharded = config.parallel == "fsdp" and workers > 1
    shards = workers if sharded else 1
    weights, trained = FLOAT * num_parameters(preset) // shards, FLOAT * num_trained(preset) // shards
    latents = config.batch_size * shape.num_tracks * shape.latent_dim * num_frames
    return TrainingMemory(
        weights=weights,
        gradients=trained,
        moments=2 * trained,
        average=weights,
        gathered=_gathered_bytes(preset) if sharded else 0,
        text_encoder=FLOAT * TEXT_ENCODER_PARAMETERS[preset.text_encoder],
        batch=BATCH_BYTES * latents,
        weight_copies=held.copied,
        activations=held.kept,
        passing=held.most - held.copied - held.kept,
    )


def _gathered_bytes(preset: Preset) -> int:
    """Most of what FSDP has whole at a time: what lies outside of blocks, a block, and the next on its way.

    Of these there are weights, gradients, and gradients laid out to be added up.
    """
    blocks = [
        sum(parameter.numel() for parameter in block.parameters()) for block in blocks_of(meta_model(preset))
    ]
    outside = num_parameters(preset) - sum(blocks)
    return 3 * FLOAT * (outside + sum(sorted(blocks)[-2:]))


def fitted_to(num_bytes: float, preset: Preset, num_frames: int, *, workers: int = 1) -> Preset | None:
    """The preset with the largest half, quarter… of its `micro_batch` that needs no more than `num_bytes`.

    With `recompute` only where that alone does not do, for it costs work; several workers' weights sharded
    only where that does not, for it costs traffic. None where nothing does.
    """
    own = preset.training
    for parallel in dict.fromkeys((own.parallel, "fsdp" if _can_shard(own, workers) else own.parallel)):
        for recompute in sorted({own.recompute, True}):
            for size in _halves(own.micro_batch or own.batch_size):
                micro_batch = size if size < own.batch_size else None
                training = replace(own, micro_batch=micro_batch, recompute=recompute, parallel=parallel)
                smaller = replace(preset, training=training)
                if training_memory(smaller, num_frames, workers=workers).total <= num_bytes:
                    return smaller
    return None


def _can_shard(training: TrainingConfig, workers: int) -> bool:
    return workers > 1 and training.lora_rank is None


def _halves(size: int) -> list[int]:
    """`size`, its half and so on to 1."""
    return [size] if size == 1 else [size, *_halves(size // 2)]


@lru_cache(maxsize=256)
def _traced_bytes(preset: Preset, windows: int, num_frames: int) -> HeldBytes:
    return traced_bytes(preset, windows=windows, num_frames=num_frames)

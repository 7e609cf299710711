"""One teacher of a pool: a Ray actor that makes the given tracks of coming training steps (§4.3).

Axes: R tracks made, K track, D latent channel, S latent frame.
"""

import os
import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stemwright.batch import Batch
from stemwright.bf16 import has_bf16
from stemwright.data_mix import DataMix
from stemwright.latent_stats import LatentStats
from stemwright.learner import fit_preset
from stemwright.teacher import InlineTeacher
from stemwright.text_embedding import TextEmbedding, TextEncoder
from stemwright.text_encoder import CachedTextEncoder, load_text_encoder
from stemwright.training_draw import TrainingDraw, TrainingDraws
from stemwright.training_run import TEXT_CACHE_BYTES, TrainingPlan, open_windows, run_stats
from stemwright.unet import StemUNet
from stemwright.windows import Windows

MAX_CONCURRENCY = 2
"""Calls that an actor works on: one reads its batch while the other has the device."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TeacherOrder:
    """What a worker asks of a teacher."""

    step: int
    """The training step whose given tracks are wanted."""
    total_steps: int
    """Length of the run as the worker knows it: tasks follow from it."""
    weights_step: int
    """The step whose averaged weights are to be used."""
    weights: tuple[Any, ...]
    """One reference to them, an array a parameter; in a tuple, so that Ray fetches it only when asked."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TeacherDelivery:
    """Tracks that a teacher made of one step, in the order of samples."""

    step: int
    """As ordered."""
    weights_step: int
    """As ordered."""
    sample_ids: NDArray[np.int64]
    """[R]."""
    tracks: NDArray[np.int64]
    """[R], 0…K-1."""
    heard: NDArray[np.bool_]
    """[R, K]: targets and given tracks of the sample, the other ones of which each was conditioned on."""
    latents: NDArray[np.float16]
    """Normalised, [R, D, S]."""


class TeacherActor:
    """Rebuilds a worker's batches from the plan alone: an order is a number, and weights travel once."""

    def __init__(self, plan: TrainingPlan, rank: int, *, text_encoder: TextEncoder | None = None) -> None:
        """Nothing is loaded before the first call: a constructor that fails would end the actor for good."""
        self._plan, self._rank, self._text_encoder = plan, rank, text_encoder
        self._loading, self._device_in_use = threading.Lock(), threading.Lock()
        self._studio: Studio | None = None

    def ready(self) -> int:
        """Load data and models, and return the process id. Raises InputError where something is missing."""
        self._loaded()
        return os.getpid()

    def make(self, order: TeacherOrder) -> TeacherDelivery:
        """The tracks that the worker's samples of the step are to hear; none where none are."""
        studio = self._loaded()
        batch = studio.windows.batch(order.step).to(studio.device)
        drawn = studio.drawn(batch, order)
        if not drawn.substituted.any():
            return _delivery(order, batch, drawn, batch.latents)
        with self._device_in_use:
            studio.load(order)
            return _delivery(order, batch, drawn, self._made(studio, batch, drawn))

    def _made(self, studio: "Studio", batch: Batch, drawn: TrainingDraw) -> Tensor:
        """Normalised latents [B, K, D, S]; one call at a time."""
        return studio.made(batch, drawn)

    def _loaded(self) -> "Studio":
        with self._loading:
            if self._studio is None:
                self._studio = Studio(self._plan, self._rank, self._text_encoder)
            return self._studio


class Studio:
    """What an actor works with, loaded: a rank's windows and draws, and an averaged model."""

    def __init__(self, plan: TrainingPlan, rank: int, text_encoder: TextEncoder | None) -> None:
        self.device = torch.device("cuda" if _has_gpu() else "cpu")
        data = DataMix.open(plan.sources)
        encoder = text_encoder or CachedTextEncoder(
            load_text_encoder(plan.preset.text_encoder, plan.text_encoder_weights, self.device),
            TEXT_CACHE_BYTES,
        )
        preset = fit_preset(
            plan.preset,
            latent_dim=data.info.latent_dim,
            text_width=encoder.width,
            frame_rate_hz=data.info.frame_rate_hz,
        )
        self.windows: Windows = open_windows(plan, data, rank)
        self._stats: LatentStats = run_stats(plan, data).to(self.device)
        self._draws = TrainingDraws(
            preset, total_steps=1, steps_per_epoch=self.windows.steps_per_epoch, seed=plan.seed
        )
        self._model = StemUNet(preset.model, preset.schedule.build()).to(self.device).requires_grad_(False)
        self._model.eval()
        asked = preset.training.precision
        self._bf16 = has_bf16(self.device) if asked == "auto" else asked == "bf16"
        self._weights_step: int | None = None
        self._teacher = InlineTeacher(self._denoise, preset, encoder, plan.seed)
        self._drawing = threading.Lock()

    def drawn(self, batch: Batch, order: TeacherOrder) -> TrainingDraw:
        """What the worker will ask of the batch."""
        with self._drawing:
            self._draws.total_steps = order.total_steps
            return self._draws.draw(batch, order.step)

    def made(self, batch: Batch, drawn: TrainingDraw) -> Tensor:
        """Normalised latents [B, K, D, S]."""
        z0 = self._stats.normalise(batch.latents)
        return self._teacher.substitutes(0, batch, z0, drawn).latents

    def load(self, order: TeacherOrder) -> None:
        """Take the weights of an order, unless they are here."""
        if self._weights_step == order.weights_step:
            return
        import ray

        arrays: dict[str, NDArray[Any]] = ray.get(order.weights[0])
        # copied: the store's memory is read-only, and goes with the reference
        self._model.load_state_dict({name: torch.tensor(array) for name, array in arrays.items()})
        self._weights_step = order.weights_step

    def _denoise(self, z: Tensor, t: Tensor, text: TextEmbedding, frame_mask: Tensor | None) -> Tensor:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self._bf16):
            return self._model(z, t, text, frame_mask).to(z.dtype)


def _delivery(order: TeacherOrder, batch: Batch, drawn: TrainingDraw, made: Tensor) -> TeacherDelivery:
    """What is wanted of latents [B, K, D, S]."""
    sample, track = drawn.substituted.nonzero(as_tuple=True)
    latents = made[sample, track].half()
    # a track that has diverged is not served: what is recorded is better
    sound = latents.isfinite().all(dim=(1, 2))
    sample, track = sample[sound], track[sound]
    return TeacherDelivery(
        step=order.step,
        weights_step=order.weights_step,
        sample_ids=batch.sample_ids[sample].cpu().numpy(),
        tracks=track.cpu().numpy(),
        heard=(drawn.target | drawn.given)[sample].cpu().numpy(),
        latents=latents[sound].cpu().numpy(),
    )


def _has_gpu() -> bool:
    """Whether Ray has given this process a GPU; a plain process takes none."""
    import ray

    return ray.is_initialized() and bool(ray.get_gpu_ids())

"""Guided denoising, as an autoscaled deployment."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from ray import serve

from stemwright_platform.serving.loaded_models import LoadedModels, preload
from stemwright_platform.serving.scaling import GENERATIONS
from stemwright_platform.serving.server_log import log_with_serve
from stemwright_platform.serving.settings import ServingSettings
from stemwright_platform.serving.threads import use_threads
from stemwright_platform.serving.wire import DenoisingOrder, Step

if TYPE_CHECKING:
    from torch import Tensor

    from stemwright.checkpoint import Checkpoint
    from stemwright.long_pieces import PieceSampling
    from stemwright.sampler import Denoiser

WARM_UP_FRAMES = 384
AUTOSCALING = {
    "min_replicas": 1,
    "max_replicas": 2,
    "target_ongoing_requests": 4,
    "policy": {"policy_function": "stemwright_platform.serving.scaling:on_backlog"},
    "upscale_delay_s": 5,
    "downscale_delay_s": 120,
}


@serve.deployment(
    name="denoiser",
    max_ongoing_requests=16,
    autoscaling_config=AUTOSCALING,
    ray_actor_options={"num_cpus": 1},
    graceful_shutdown_wait_loop_s=0.5,
    graceful_shutdown_timeout_s=120,  # what is in hand ends here
    max_surge_percent=100,
)
class DenoiserReplica:
    """The model of each checkpoint in use, behind one engine."""

    def __init__(self, settings: ServingSettings) -> None:
        from stemwright_platform.serving.database import Database
        from stemwright_platform.serving.engine import DenoisingEngine
        from stemwright_platform.serving.metrics import forward_meter
        from stemwright_platform.serving.queue import GenerationQueue

        log_with_serve()
        use_threads(settings.threads)
        self._settings, self._device = settings, settings.device
        self._models: LoadedModels[tuple[Checkpoint, Denoiser]] = LoadedModels(self._of_model)
        preload(self._models, settings)
        self._engine = DenoisingEngine(settings.max_rows, forward_meter(settings.max_rows))
        self._queue = GenerationQueue(Database(settings.database_url), time.time)

    def check_health(self) -> None:
        """Serve replaces a replica whose engine has died."""
        if not self._engine.alive:
            raise RuntimeError("the denoising engine has stopped")

    async def record_autoscaling_stats(self) -> dict[str, float]:
        """For `on_backlog`; Serve asks every few seconds."""
        return {GENERATIONS: float(await asyncio.to_thread(self._queue.num_open, self._settings.model))}

    def prepare(self, model: str) -> None:
        """Load a version; raises why it cannot be used."""
        self._models.get(model)

    async def denoise(self, order: DenoisingOrder) -> AsyncIterator[Step | NDArray[np.float32]]:
        """A `Step` after each step, then normalised latents [1, K, D, S].

        Who stops listening cancels the rest.
        """
        from stemwright_platform.serving.batch_plan import Job

        checkpoint, denoiser = await asyncio.to_thread(self._models.get, order.model)
        loop = asyncio.get_running_loop()
        news: asyncio.Queue[Step | Tensor | Exception] = asyncio.Queue()

        def tell(item: "Step | Tensor | Exception") -> None:
            loop.call_soon_threadsafe(news.put_nowait, item)

        job = Job(
            denoiser=denoiser,
            sampling=self._sampling(checkpoint, order),
            on_step=lambda s, n: tell(Step(s, n)),
            on_end=tell,
            rank=order.rank,
        )
        self._engine.start(job)
        try:
            while isinstance(item := await news.get(), Step):
                yield item
            if isinstance(item, Exception):
                raise item
            yield item.cpu().numpy()
        finally:
            job.cancelled.set()

    def _of_model(self, model: str) -> "tuple[Checkpoint, Denoiser]":
        from stemwright.bf16 import denoiser_of
        from stemwright.checkpoint import load_checkpoint
        from stemwright_platform.serving.checkpoint_folder import checkpoint_folder

        checkpoint = load_checkpoint(checkpoint_folder(model, self._settings.tracking_uri), self._device)
        denoiser = denoiser_of(checkpoint.model)
        _warm_up(checkpoint, denoiser)
        return checkpoint, denoiser

    def _sampling(self, checkpoint: "Checkpoint", order: DenoisingOrder) -> "PieceSampling":
        import torch

        from stemwright.compose import Request, start_piece
        from stemwright.sampler import Prompt
        from stemwright.tasks import Task

        request = Request(
            task=Task(order.targets, order.given, tracks=checkpoint.tracks),
            seed=order.seed,
            guidance_scale=order.guidance_scale,
            text_scale=order.text_guidance,
            num_steps=order.steps,
            solver=order.solver,
        )
        prefix = order.prefix.embedding(self._device)
        prompts = [Prompt(full=told.embedding(self._device), prefix=prefix) for told in order.prompts]
        latents = torch.from_numpy(order.piece.latents.copy()).to(self._device)
        windows = [range(*window) for window in order.piece.windows]
        known = None if order.piece.known is None else torch.from_numpy(order.piece.known.copy())
        return start_piece(checkpoint, request, latents, windows, prompts, known)


def _warm_up(checkpoint: "Checkpoint", denoiser: "Denoiser") -> None:
    """One forward of an ordinary length: the first request finds kernels chosen and memory at hand."""
    import torch

    from stemwright.text_embedding import TextEmbedding

    mean = checkpoint.stats.mean
    z = mean.new_zeros(1, *mean.shape, WARM_UP_FRAMES)
    t = torch.full((1, len(mean)), checkpoint.schedule.num_timesteps, device=mean.device)
    states = mean.new_zeros(1, 8, checkpoint.preset.model.text_width)
    text = TextEmbedding(states, torch.ones(1, 8, dtype=torch.bool, device=mean.device))
    with torch.inference_mode():
        denoiser(z, t, text)

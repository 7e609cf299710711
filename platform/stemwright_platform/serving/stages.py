"""The stages of a generation, each on replicas of its own."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray
from ray import serve
from ray.exceptions import ObjectLostError, RayActorError, RayTaskError
from ray.serve.exceptions import DeploymentUnavailableError
from ray.serve.handle import DeploymentHandle, DeploymentResponseGenerator

from stemwright_platform.serving.schema import ModelFacts
from stemwright_platform.serving.wire import DenoisingOrder, EncodedPiece, Rewritten, Step, TextArrays

Array = NDArray[np.float32]


class WorkerLost(Exception):
    """A replica died at work; the same work may succeed on another."""


class Stages:
    """Handles to the text, codec and denoiser deployments.

    Every call raises WorkerLost where a replica died, else the replica's own exception.
    """

    def __init__(self, text: DeploymentHandle, codec: DeploymentHandle, denoiser: DeploymentHandle) -> None:
        self._text, self._codec, self._denoiser = text, codec, denoiser

    async def prepare(self, model: str) -> ModelFacts:
        """Load a version on every replica there is, beside the one in use, and say what it is.

        A replica at work loads it as soon as it has room for a call; later ones load it by themselves.
        """
        everywhere = (self._text, self._denoiser, self._codec)
        with _faults():
            answers = await asyncio.gather(
                *(stage.broadcast("prepare", model).results_async() for stage in everywhere)
            )
        return answers[-1][0]

    async def num_denoisers(self) -> int:
        """How many run."""
        return await asyncio.to_thread(_num_running, self._denoiser.deployment_name)

    async def embed(self, prompts: list[str], model: str) -> list[TextArrays]:
        with _faults():
            return await self._text.embed.remote(prompts, model)

    async def encode(
        self,
        stems: Mapping[str, bytes],
        duration_s: float,
        model: str,
        region_s: tuple[float, float] | None = None,
    ) -> EncodedPiece:
        with _faults():
            return await self._codec.encode.remote(dict(stems), duration_s, model, region_s)

    async def denoise(self, order: DenoisingOrder, on_step: Callable[[Step], None]) -> Array:
        """Latents [1, K, D, S]; cancelling this cancels the replica's work."""
        with _faults():
            stream = self._denoiser.options(stream=True).denoise.remote(order)
            assert isinstance(stream, DeploymentResponseGenerator)
            try:
                return await _last(stream, on_step)
            finally:
                stream.cancel()

    async def decode(
        self,
        latents: Array,
        targets: tuple[str, ...],
        duration_s: float,
        model: str,
        rewritten: Rewritten | None = None,
    ) -> dict[str, Array]:
        with _faults():
            return await self._codec.decode.remote(latents, targets, duration_s, model, rewritten)


def _num_running(deployment: str) -> int:
    """Of this replica's application."""
    application = serve.status().applications[serve.get_replica_context().app_name]
    states = application.deployments[deployment].replica_states
    return sum(count for state, count in states.items() if state == "RUNNING")


async def _last(stream: AsyncIterator[Step | Array], on_step: Callable[[Step], None]) -> Array:
    async for item in stream:
        if not isinstance(item, Step):
            return item
        on_step(item)
    raise WorkerLost("the denoiser stopped without a result")


@contextmanager
def _faults() -> Iterator[None]:
    try:
        yield
    except (RayActorError, ObjectLostError, DeploymentUnavailableError) as error:
        raise WorkerLost(str(error).splitlines()[0]) from error
    except RayTaskError as error:
        raise error.cause from error

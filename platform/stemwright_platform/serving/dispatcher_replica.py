"""The dispatcher as a deployment: one replica, which finds its work in the database."""

import asyncio

import ray
from ray import serve
from ray.serve.handle import DeploymentHandle

from stemwright.errors import InputError
from stemwright_platform.serving.server_log import log_with_serve
from stemwright_platform.serving.settings import ServingSettings


@serve.deployment(
    name="dispatcher",
    num_replicas=1,
    ray_actor_options={"num_cpus": 0.25},
    graceful_shutdown_wait_loop_s=0.5,
    max_surge_percent=100,
)
class DispatcherReplica:
    """Runs a `Dispatcher` for as long as the replica lives."""

    async def __init__(
        self,
        settings: ServingSettings,
        text: DeploymentHandle,
        codec: DeploymentHandle,
        denoiser: DeploymentHandle,
    ) -> None:
        from stemwright_platform.serving.dispatcher import Dispatcher
        from stemwright_platform.serving.model_watch import ModelWatch
        from stemwright_platform.serving.services import Services
        from stemwright_platform.serving.stages import Stages

        self._running: asyncio.Task[None] | None = None
        log_with_serve()
        _check_shared(settings)
        services, stages = Services.open(settings), Stages(text, codec, denoiser)
        watch = ModelWatch(settings, stages, services.models)
        await watch.begin()  # a model that cannot be served fails the deployment, with the reason
        self._running = asyncio.create_task(Dispatcher(services, stages, watch).run())

    def check_health(self) -> None:
        """Serve replaces a replica whose loop has ended."""
        if self._running and self._running.done():
            raise RuntimeError("the dispatcher has stopped") from self._running.exception()

    async def __del__(self) -> None:
        if self._running:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)


def _check_shared(settings: ServingSettings) -> None:
    """InputError where nodes would each have a database file of their own."""
    hosts = {node["NodeManagerHostname"] for node in ray.nodes() if node["Alive"]}
    if settings.database_url.startswith("sqlite") and len(hosts) > 1:
        raise InputError(
            f"the cluster has {len(hosts)} machines and SQLite is for one: set database_url to PostgreSQL "
            "and blob_url to a store that all of them reach"
        )

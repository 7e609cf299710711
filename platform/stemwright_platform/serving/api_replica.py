"""The composition API as the application's ingress."""

from fastapi import FastAPI
from ray import serve
from ray.serve.handle import DeploymentHandle

from stemwright_platform.serving.server_log import log_with_serve
from stemwright_platform.serving.settings import ServingSettings


@serve.deployment(
    name="api",
    max_ongoing_requests=256,
    ray_actor_options={"num_cpus": 0.25},
    graceful_shutdown_wait_loop_s=0.5,
    graceful_shutdown_timeout_s=70,  # event streams end after 60
    max_surge_percent=100,
)
@serve.ingress()
class ApiReplica:
    """Holds no state of its own: any replica answers any call."""

    def __init__(self, settings: ServingSettings, dispatcher: DeploymentHandle) -> None:
        """`dispatcher` is never called; naming it makes Serve deploy it with the application."""
        log_with_serve()
        self._settings = settings

    def __serve_build_asgi_app__(self) -> FastAPI:
        from stemwright_platform.serving.api import create_api
        from stemwright_platform.serving.services import Services

        return create_api(Services.open(self._settings))

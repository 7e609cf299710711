"""The composition API as a FastAPI application: no Ray in it, any replica can answer any call."""

from fastapi import APIRouter, FastAPI

from stemwright_platform.serving import (
    audio_calls,
    composition_calls,
    failures,
    generation_calls,
    service_calls,
    session_calls,
)
from stemwright_platform.serving.access import Pace
from stemwright_platform.serving.services import Services
from stemwright_platform.serving.studio_page import add_studio

_FAILURES = {
    status: {"model": failures.Failure, "description": "Refused"}
    for status in (401, 404, 409, 413, 422, 429, 503, 507)
}


def create_api(services: Services) -> FastAPI:
    """The application of DESIGN's calls under /v1."""
    app = FastAPI(
        title="Stemwright",
        summary="Compositions of generated and uploaded stems (Alg. 1 of JEN-1 Composer)",
        version="1",
        openapi_url="/v1/openapi.json",
        docs_url="/v1/docs",
        redoc_url=None,
        responses={**_FAILURES},
    )
    app.state.services, app.state.pace = services, Pace()
    failures.install(app)
    app.include_router(_version_1())
    app.include_router(service_calls.router, include_in_schema=False)  # where probes look for them
    add_studio(app)
    return app


def _version_1() -> APIRouter:
    router = APIRouter(prefix="/v1")
    for part in (session_calls, composition_calls, audio_calls, generation_calls, service_calls):
        router.include_router(part.router)
    return router

"""Calls on the service itself: models, health, readiness, metrics."""

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel

from stemwright_platform.serving.access import ServicesOfAnybody, ServicesOfCall
from stemwright_platform.serving.failures import Refusal
from stemwright_platform.serving.schema import ModelFacts

router = APIRouter(tags=["service"])


class Health(BaseModel):
    """The answer of a process that can serve."""

    status: str = "ok"


@router.get("/models")
def list_models(services: ServicesOfCall) -> list[ModelFacts]:
    """The models that are served now."""
    return list(services.models.fresh())


@router.get("/healthz")
def healthz() -> Health:
    """Whether this process answers at all."""
    return Health()


@router.get("/readyz")
def readyz(services: ServicesOfAnybody) -> Health:
    """Whether a generation asked for now would be worked on; 503 otherwise."""
    if not any(model.uri == services.settings.model for model in services.models.fresh()):
        raise Refusal(
            503, "not_ready", "no dispatcher serves the model at the moment", "try again in a moment"
        )
    return Health()


@router.get("/metrics", response_class=PlainTextResponse)
def metrics(services: ServicesOfCall) -> str:
    """Counts in Prometheus text."""
    lines = ["# HELP stemwright_generations Generations by state.", "# TYPE stemwright_generations gauge"]
    for state, count in services.queue.counts().items():
        lines.append(f'stemwright_generations{{state="{state}"}} {count}')
    lines += [
        "# HELP stemwright_oldest_waiting_seconds Age of the generation that has waited longest.",
        "# TYPE stemwright_oldest_waiting_seconds gauge",
        f"stemwright_oldest_waiting_seconds {services.queue.longest_wait():.3f}",
    ]
    lines += ["# HELP stemwright_models Models served now.", "# TYPE stemwright_models gauge"]
    lines.append(f"stemwright_models {len(services.models.fresh())}")
    return "\n".join(lines) + "\n"

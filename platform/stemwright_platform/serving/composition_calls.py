"""Calls on compositions: make, list, show, delete, choose takes."""

from typing import Annotated

from fastapi import APIRouter, Query

from stemwright_platform.serving.failures import Refusal
from stemwright_platform.serving.schema import CompositionSummary, CompositionView, NewComposition
from stemwright_platform.serving.services import Services, ServicesOfCall
from stemwright_platform.serving.views import composition_view

router = APIRouter(prefix="/compositions", tags=["compositions"])


@router.post("", status_code=201)
def create_composition(asked: NewComposition, services: ServicesOfCall) -> CompositionView:
    """Start a composition: a prompt, a length, empty slots."""
    _check_duration(services, asked.duration_s)
    row = services.compositions.create(asked, services.models.get(services.settings.model))
    return composition_view(services, row.id)


@router.get("")
def list_compositions(
    services: ServicesOfCall, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> list[CompositionSummary]:
    """The newest compositions."""
    return [CompositionSummary.model_validate(row) for row in services.compositions.list(limit)]


@router.get("/{composition_id}")
def show_composition(composition_id: str, services: ServicesOfCall) -> CompositionView:
    """A composition's slots, takes, selection and history."""
    return composition_view(services, composition_id)


@router.delete("/{composition_id}", status_code=204)
def delete_composition(composition_id: str, services: ServicesOfCall) -> None:
    """Remove a composition with its takes and generations."""
    for key in services.compositions.delete(composition_id):
        services.blobs.delete(key)


@router.put("/{composition_id}/selection")
def choose_takes(
    composition_id: str, choice: dict[str, str | None], services: ServicesOfCall
) -> CompositionView:
    """Choose a take for some tracks (null: none); the others keep theirs. Undo is choosing the one before."""
    services.compositions.choose(composition_id, choice)
    return composition_view(services, composition_id)


def _check_duration(services: Services, duration_s: float) -> None:
    limits = services.settings.limits
    if not limits.min_duration_s <= duration_s <= limits.max_duration_s:
        bounds = f"{limits.min_duration_s:g} to {limits.max_duration_s:g} s"
        message = f"a duration of {duration_s:g} s is out of range"
        raise Refusal(422, "bad_duration", message, f"choose {bounds}")

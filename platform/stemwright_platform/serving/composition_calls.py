"""Calls on compositions: make, list, show, delete, choose takes."""

import re
import shutil
import tempfile
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Body, Query
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask

from stemwright_platform.serving.access import ServicesOfCall
from stemwright_platform.serving.compositions import check_slots
from stemwright_platform.serving.export import Kind, write_export
from stemwright_platform.serving.failures import Refusal
from stemwright_platform.serving.identity import new_id
from stemwright_platform.serving.mixdown import selected_takes
from stemwright_platform.serving.schema import (
    CompositionChange,
    CompositionSummary,
    CompositionView,
    NewComposition,
    NewCopy,
)
from stemwright_platform.serving.services import Services
from stemwright_platform.serving.tables import Take
from stemwright_platform.serving.takes import copied_take
from stemwright_platform.serving.views import composition_view

router = APIRouter(prefix="/compositions", tags=["compositions"])


@router.post("", status_code=201)
def create_composition(asked: NewComposition, services: ServicesOfCall) -> CompositionView:
    """Start a composition: a prompt, a length, empty slots."""
    _check_duration(services, asked.duration_s)
    models = services.models
    model = models.get(services.settings.model) if asked.model_uri is None else models.named(asked.model_uri)
    row = services.compositions.create(asked, model)
    return composition_view(services, row.id)


@router.get("")
def list_compositions(
    services: ServicesOfCall,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    after: Annotated[str | None, Query(description="Id of the last one of the page before.")] = None,
) -> list[CompositionSummary]:
    """A page of compositions, newest first."""
    return [CompositionSummary.model_validate(row) for row in services.compositions.list(limit, after)]


@router.get("/{composition_id}")
def show_composition(composition_id: str, services: ServicesOfCall) -> CompositionView:
    """A composition's slots, takes, selection and history."""
    return composition_view(services, composition_id)


@router.patch("/{composition_id}")
def change_composition(
    composition_id: str, change: CompositionChange, services: ServicesOfCall
) -> CompositionView:
    """Rename it, change prompt, tempo or model, set lanes' gain, pan and mute; what is left out stays."""
    if change.model_uri is not None:
        composition = services.compositions.get(composition_id)
        check_slots(composition, services.models.named(change.model_uri))
    services.compositions.change(composition_id, change)
    return composition_view(services, composition_id)


@router.post("/{composition_id}/duplicate", status_code=201)
def duplicate_composition(
    composition_id: str, services: ServicesOfCall, asked: NewCopy | None = None
) -> CompositionView:
    """A copy with the selected takes, to try something else from there.

    Of another length, it is cut, or silent at its end; a generation of that region continues the piece.
    """
    asked = asked or NewCopy()
    if asked.duration_s is not None:
        _check_duration(services, asked.duration_s)
    composition = services.compositions.get(composition_id)
    rate, copy_id = composition.sample_rate_hz, new_id()
    length = round((asked.duration_s or composition.duration_s) * rate)
    copies: list[Take] = []
    try:
        for take in selected_takes(services, composition):
            copies.append(copied_take(services.blobs, take, copy_id, rate, length))
        services.compositions.duplicate(composition_id, copy_id, asked, copies)
    except BaseException:
        for copy in copies:
            services.blobs.delete(copy.blob_key)
        raise
    return composition_view(services, copy_id)


@router.get("/{composition_id}/export", response_class=FileResponse)
def export_composition(
    composition_id: str, services: ServicesOfCall, kind: Annotated[Kind, Query(alias="as")] = "zip"
) -> FileResponse:
    """One file: stems, mix and composition.json as a zip, or a DAWproject with a lane a track."""
    composition = services.compositions.get(composition_id)
    folder = Path(tempfile.mkdtemp(prefix="stemwright-export-"))
    try:
        write_export(services, composition, kind, path := folder / "export")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    name = f"{file_name(composition.name or composition.prompt or 'composition')}.{kind}"
    removal = BackgroundTask(shutil.rmtree, folder, ignore_errors=True)
    return FileResponse(path, media_type="application/zip", filename=name, background=removal)


@router.delete("/{composition_id}", status_code=204)
def delete_composition(composition_id: str, services: ServicesOfCall) -> None:
    """Remove a composition with its takes and generations."""
    for key in services.compositions.delete(composition_id):
        services.blobs.delete(key)


@router.put("/{composition_id}/selection")
def choose_takes(
    composition_id: str,
    choice: Annotated[dict[str, str | None], Body(examples=[{"bass": "5b0c…", "drums": None}])],
    services: ServicesOfCall,
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


def file_name(title: str) -> str:
    """A title as a file's name on any system."""
    return re.sub(r"[^\w-]+", "-", title, flags=re.ASCII).strip("-")[:60] or "composition"

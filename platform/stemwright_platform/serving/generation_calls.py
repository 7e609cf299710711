"""Calls on generations: ask for takes, follow them, cancel them."""

import hashlib
import json
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Header
from fastapi.responses import StreamingResponse

from stemwright.tasks import Task
from stemwright.tracks import Tracks
from stemwright_platform.serving.access import ServicesOfCall
from stemwright_platform.serving.compositions import check_slots
from stemwright_platform.serving.event_stream import News, event_stream
from stemwright_platform.serving.failures import Refusal
from stemwright_platform.serving.schema import Brief, GenerationView, ModelFacts, NewGeneration, Region
from stemwright_platform.serving.services import Services
from stemwright_platform.serving.tables import ENDED, Composition
from stemwright_platform.serving.views import generation_view

IDLE_S = 1.0
"""Between looks at a composition of which nothing is in the making."""
MAX_CANDIDATES = 8

router = APIRouter(tags=["generations"])


@router.post("/compositions/{composition_id}/generations", status_code=202)
def generate(
    composition_id: str,
    asked: NewGeneration,
    services: ServicesOfCall,
    idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
    x_request_id: Annotated[str | None, Header()] = None,
) -> GenerationView:
    """Ask for takes. They come later: follow the generation. A repeated key gives the first answer again."""
    composition = services.compositions.get(composition_id)
    model = services.model_of(composition)
    row = services.queue.submit(
        composition_id,
        _brief(services, composition, model, asked),
        asked=hashlib.sha256(asked.model_dump_json().encode()).hexdigest(),
        idempotency_key=idempotency_key,
        max_queue=services.settings.limits.max_queue,
        model_uri=model.uri,
        request_id=x_request_id and x_request_id[:64],
    )
    return generation_view(services, row)


@router.get("/generations/{generation_id}")
def show_generation(generation_id: str, services: ServicesOfCall) -> GenerationView:
    """State, progress, place in the queue, takes."""
    return generation_view(services, services.queue.get(generation_id))


@router.delete("/generations/{generation_id}")
def cancel_generation(generation_id: str, services: ServicesOfCall) -> GenerationView:
    """Cancel; one that has ended stays as it is."""
    return generation_view(services, services.queue.cancel(generation_id))


@router.get("/generations/{generation_id}/events", response_class=StreamingResponse)
def follow_generation(
    generation_id: str,
    services: ServicesOfCall,
    last_event_id: Annotated[str | None, Header(max_length=64)] = None,
) -> StreamingResponse:
    """Server-sent events: `progress` at each change, `end` with the last state; comments keep it open.

    A stream ends after a minute: follow again, with the last event's id in `Last-Event-ID` (browsers do both
    by themselves), and hear what came since.
    """
    services.queue.get(generation_id)
    return event_stream(lambda: _progress(services, generation_id), last_event_id)


@router.get("/compositions/{composition_id}/events", response_class=StreamingResponse)
def follow_composition(
    composition_id: str,
    services: ServicesOfCall,
    last_event_id: Annotated[str | None, Header(max_length=64)] = None,
) -> StreamingResponse:
    """Server-sent events: `generations` at each change, with how many were asked for and those not yet ended.

    One stream for a page, whatever is in the making there; it ends and is followed again as that of a
    generation, and with `end` where the composition is deleted.
    """
    services.compositions.get(composition_id)
    return event_stream(lambda: _in_the_making(services, composition_id), last_event_id)


def _progress(services: Services, generation_id: str) -> News:
    row = services.queue.get(generation_id)
    facts = {name: getattr(row, name) for name in ("id", "state", "stage", "progress", "error")}
    data = json.dumps({**facts, "place": services.queue.place(row)})
    return News("end", data, is_last=True) if row.state in ENDED else News("progress", data)


def _in_the_making(services: Services, composition_id: str) -> News:
    services.compositions.get(composition_id)
    rows = services.queue.unended(composition_id)
    views = [generation_view(services, row).model_dump(mode="json") for row in rows]
    asked = services.queue.count(composition_id)  # so that one that came and ended between two looks is news
    data = json.dumps({"asked": asked, "unended": views})
    return News("generations", data, pause_s=None if rows else IDLE_S)


def _brief(services: Services, composition: Composition, model: ModelFacts, asked: NewGeneration) -> Brief:
    """The complete request; refuses what cannot be made."""
    check_slots(composition, model)
    targets, given = _task(services, composition, asked)
    takes = _takes_to_rewrite(services, composition, model, asked.region, targets)
    first_seed = _first_seed(services, composition) if asked.seed is None else asked.seed
    return Brief(
        prompt=_prompt(composition, asked),
        duration_s=composition.duration_s,
        tracks=composition.tracks,
        targets=targets,
        given=given,
        region_s=None if asked.region is None else (asked.region.start_s, asked.region.end_s),
        takes=takes,
        guidance_scale=_either(asked.guidance_scale, model.guidance_scale),
        text_guidance=_either(asked.text_guidance, model.text_guidance),
        steps=asked.steps or model.steps,
        solver=asked.solver or model.solver,
        seeds=[first_seed + candidate for candidate in range(asked.candidates)],
        priority=asked.priority,
    )


def _either(asked: float | None, default: float) -> float:
    return default if asked is None else asked


def _task(
    services: Services, composition: Composition, asked: NewGeneration
) -> tuple[list[str], dict[str, str]]:
    """Targets in slot order, and the given tracks with their selected takes."""
    chosen = services.compositions.selected(composition.id)
    tracks = Tracks(names=tuple(composition.tracks), prompt_names=tuple(composition.tracks))
    given = asked.given
    if given is None:
        given = [track for track in chosen if track not in asked.targets]
    task = Task(tuple(asked.targets), tuple(given), tracks=tracks)
    if missing := [track for track in task.given if track not in chosen]:
        message = f"no take is selected for {', '.join(missing)}"
        raise Refusal(
            409, "no_selected_take", message, "upload or select one, or leave the track out of given"
        )
    return list(task.targets), {track: chosen[track] for track in task.given}


def _takes_to_rewrite(
    services: Services,
    composition: Composition,
    model: ModelFacts,
    region: Region | None,
    targets: Sequence[str],
) -> dict[str, str]:
    """Target → its selected take, of which the region is made anew."""
    if region is None:
        return {}
    if not model.rewrites:
        message = "the model that is served was not trained to make a part of a track anew"
        raise Refusal(409, "no_regions", message, "generate whole tracks, or serve a model that can")
    if not region.start_s < region.end_s <= composition.duration_s:
        message = f"the region {region.start_s:g}-{region.end_s:g} s does not lie in the piece"
        remedy = f"choose a start before an end within {composition.duration_s:g} s"
        raise Refusal(422, "bad_region", message, remedy)
    chosen = services.compositions.selected(composition.id)
    if missing := [track for track in targets if track not in chosen]:
        message = f"no take of {', '.join(missing)} is selected"
        raise Refusal(409, "no_selected_take", message, "select the take to change, or leave region out")
    return {track: chosen[track] for track in targets}


def _first_seed(services: Services, composition: Composition) -> int:
    """Each generation of a composition has seeds of its own, the same ones when all is done again."""
    return composition.seed + MAX_CANDIDATES * services.queue.count(composition.id)


def _prompt(composition: Composition, asked: NewGeneration) -> str:
    """The tempo is told as training prompts tell it."""
    prompt = composition.prompt if asked.prompt is None else asked.prompt
    tempo = "" if composition.tempo_bpm is None else f"{composition.tempo_bpm:.0f} bpm"
    metre = "" if composition.beats_per_bar == 4 else f"{composition.beats_per_bar}/4"
    return ", ".join(part for part in (prompt.strip(), metre, tempo) if part)

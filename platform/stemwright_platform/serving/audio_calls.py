"""Calls on audio: upload a stem, fetch takes and the mix."""

import hashlib
from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from starlette.concurrency import run_in_threadpool

from stemwright.audio import encode_wav
from stemwright.mixing import mix
from stemwright_platform.serving.failures import Refusal
from stemwright_platform.serving.schema import TakeView
from stemwright_platform.serving.services import Services, ServicesOfCall
from stemwright_platform.serving.stems import WAV, decoded, peak_pairs, uploaded_stem
from stemwright_platform.serving.tables import Composition, Take
from stemwright_platform.serving.takes import stored_take
from stemwright_platform.serving.upload_body import uploaded_file

router = APIRouter(tags=["audio"])

IfNoneMatch = Annotated[str | None, Header()]
_FILE = {"schema": {"type": "string", "format": "binary"}}
_UPLOAD = {"requestBody": {"required": True, "content": {"application/octet-stream": _FILE}}}


@router.put("/compositions/{composition_id}/tracks/{track}", status_code=201, openapi_extra=_UPLOAD)
async def upload_stem(
    composition_id: str, track: str, request: Request, services: ServicesOfCall
) -> TakeView:
    """Upload a stem (WAV, FLAC, OGG, MP3; raw body or one-file form): cut or padded, kept and selected."""
    composition = await run_in_threadpool(_slot, services, composition_id, track)
    name, data = await uploaded_file(request, services.settings.limits.max_upload_bytes)
    return await run_in_threadpool(_keep_upload, services, composition, track, name, data)


@router.get("/takes/{take_id}/audio", response_class=Response)
def take_audio(take_id: str, services: ServicesOfCall, if_none_match: IfNoneMatch = None) -> Response:
    """The take as WAV."""
    take = services.compositions.take(take_id)
    if _etag(take.sha256) == if_none_match:
        return Response(status_code=304, headers={"ETag": _etag(take.sha256)})
    headers = {"ETag": _etag(take.sha256), "Cache-Control": "private, max-age=31536000, immutable"}
    return Response(services.blobs.get(take.blob_key), media_type=take.content_type, headers=headers)


@router.get("/takes/{take_id}/peaks")
def take_peaks(take_id: str, services: ServicesOfCall) -> list[list[float]]:
    """[lowest, highest] sample of each of 1,024 equal spans, in ±1."""
    return peak_pairs(services.compositions.take(take_id).peaks)


@router.get("/compositions/{composition_id}/mix", response_class=Response)
def composition_mix(
    composition_id: str, services: ServicesOfCall, if_none_match: IfNoneMatch = None
) -> Response:
    """The sum of the selected takes as WAV; uploads sound as they came."""
    composition = services.compositions.get(composition_id)
    takes = _selected_takes(services, composition)
    etag = _etag(hashlib.sha256("".join(take.sha256 for take in takes).encode()).hexdigest())
    if etag == if_none_match:
        return Response(status_code=304, headers={"ETag": etag})
    rate = composition.sample_rate_hz
    stems = [decoded(services.blobs.get(take.blob_key), rate) for take in takes]
    return Response(
        encode_wav(mix(stems), rate),
        media_type=WAV,
        headers={"ETag": etag, "Cache-Control": "private, no-cache"},
    )


def _slot(services: Services, composition_id: str, track: str) -> Composition:
    composition = services.compositions.get(composition_id)
    if track not in composition.tracks:
        remedy = f"choose from {', '.join(composition.tracks)}"
        raise Refusal(422, "unknown_track", f"there is no track '{track}'", remedy)
    return composition


def _keep_upload(
    services: Services, composition: Composition, track: str, name: str, data: bytes
) -> TakeView:
    limit_s = services.settings.limits.max_upload_s
    stem = uploaded_stem(data, composition.duration_s, composition.sample_rate_hz, name, limit_s)
    take = stored_take(services.blobs, stem, composition_id=composition.id, track=track, name="uploaded")
    try:
        return TakeView.model_validate(services.compositions.add_upload(take))
    except BaseException:
        services.blobs.delete(take.blob_key)
        raise


def _selected_takes(services: Services, composition: Composition) -> list[Take]:
    history = services.compositions.history(composition.id)
    chosen = history[-1].takes if history else {}
    if not chosen:
        raise Refusal(409, "nothing_selected", "no take is selected", "select or upload takes, then mix")
    return [services.compositions.take(chosen[track]) for track in composition.tracks if track in chosen]


def _etag(digest: str) -> str:
    return f'"{digest}"'

"""Calls on audio: upload a stem, fetch takes and the mix."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from stemwright.audio import encode_audio
from stemwright_platform.corpus.estimates import is_drums
from stemwright_platform.serving.access import ServicesOfCall
from stemwright_platform.serving.compositions import check_track
from stemwright_platform.serving.mixdown import mix_digest, mixed, takes_to_mix
from stemwright_platform.serving.schema import Alignment, TakeView
from stemwright_platform.serving.sent_audio import AUDIO_RESPONSES, FOREVER, Format, Wanted
from stemwright_platform.serving.services import Services
from stemwright_platform.serving.stems import (
    NUM_PEAKS,
    Stem,
    Upload,
    decoded,
    heard_alignment,
    peak_pairs,
    peaks,
    uploaded_stem,
)
from stemwright_platform.serving.tables import Composition
from stemwright_platform.serving.takes import stored_take
from stemwright_platform.serving.upload_body import uploaded_file

router = APIRouter(tags=["audio"])

_FILE = {"schema": {"type": "string", "format": "binary"}}
_UPLOAD = {"requestBody": {"required": True, "content": {"application/octet-stream": _FILE}}}


@router.put("/compositions/{composition_id}/tracks/{track}", status_code=201, openapi_extra=_UPLOAD)
async def upload_stem(
    composition_id: str,
    track: str,
    request: Request,
    services: ServicesOfCall,
    stretch: Annotated[float, Query(ge=0.5, le=2, description="Times as long, at the same pitch.")] = 1.0,
    offset_s: Annotated[
        float, Query(ge=-120, le=120, description="Seconds later, or earlier, once stretched.")
    ] = 0.0,
) -> TakeView:
    """Upload a stem (WAV, FLAC, OGG, MP3; raw body or one-file form): cut or padded, kept and selected.

    It is stretched and moved only as asked; `…/alignment` says what would bring it onto the grid.
    """
    composition = await run_in_threadpool(_slot, services, composition_id, track)
    upload = await _upload(request, services)

    def keep() -> TakeView:
        stem = uploaded_stem(upload, composition.duration_s, composition.sample_rate_hz, stretch, offset_s)
        return _kept(services, composition, track, _upload_name(stretch, offset_s), stem)

    return await run_in_threadpool(keep)


@router.post("/compositions/{composition_id}/tracks/{track}/alignment", openapi_extra=_UPLOAD)
async def upload_alignment(
    composition_id: str, track: str, request: Request, services: ServicesOfCall
) -> Alignment:
    """Hear an upload's tempo, beats and bars, and say what brings them onto the composition's grid.

    Nothing is kept: upload the stem with the `stretch` and the offset that sound right.
    """
    composition = await run_in_threadpool(_slot, services, composition_id, track)
    upload = await _upload(request, services)
    return await run_in_threadpool(
        heard_alignment,
        upload,
        composition.tempo_bpm,
        composition.beats_per_bar,
        is_drums=is_drums(track),
    )


@router.get("/takes/{take_id}/audio", response_class=Response, responses=AUDIO_RESPONSES)
def take_audio(
    take_id: str, services: ServicesOfCall, wanted: Annotated[Wanted, Depends()], format: Format = "wav"
) -> Response:
    """The take's audio, whole or a range of its bytes."""
    take = services.compositions.take(take_id)

    def encoded() -> bytes:
        wav = services.blobs.get(take.blob_key)
        if format == "wav":
            return wav
        rate = services.compositions.get(take.composition_id).sample_rate_hz
        return encode_audio(decoded(wav, rate), rate, format)

    return wanted.answer(take.sha256, format, encoded, forever=True)


@router.get("/takes/{take_id}/peaks")
def take_peaks(
    take_id: str,
    services: ServicesOfCall,
    response: Response,
    bins: Annotated[int, Query(ge=16, le=65_536, description="Equal spans of the take.")] = NUM_PEAKS,
) -> list[list[float]]:
    """[lowest, highest] sample of each of `bins` equal spans, in ±1."""
    take = services.compositions.take(take_id)
    stored = take.peaks
    if bins != NUM_PEAKS:
        rate = services.compositions.get(take.composition_id).sample_rate_hz
        stored = peaks(decoded(services.blobs.get(take.blob_key), rate), bins)
    response.headers["Cache-Control"] = FOREVER
    return peak_pairs(stored)


@router.get("/compositions/{composition_id}/mix", response_class=Response, responses=AUDIO_RESPONSES)
def composition_mix(
    composition_id: str,
    services: ServicesOfCall,
    wanted: Annotated[Wanted, Depends()],
    format: Format = "wav",
) -> Response:
    """The sum of the selected takes, each in its lane: gain, pan, mute. Uploads sound as they came."""
    composition = services.compositions.get(composition_id)
    takes = takes_to_mix(services, composition)
    return wanted.answer(
        mix_digest(composition, takes),
        format,
        lambda: encode_audio(mixed(services, composition, takes), composition.sample_rate_hz, format),
        forever=False,
    )


def _slot(services: Services, composition_id: str, track: str) -> Composition:
    composition = services.compositions.get(composition_id)
    check_track(composition, track)
    return composition


async def _upload(request: Request, services: Services) -> Upload:
    limits = services.settings.limits
    name, data = await uploaded_file(request, limits.max_upload_bytes)
    return Upload(data=data, name=name, max_duration_s=limits.max_upload_s)


def _upload_name(stretch: float, offset_s: float) -> str:
    """What was done to it is told."""
    moved = f", {abs(offset_s):g} s {'later' if offset_s > 0 else 'earlier'}" if offset_s else ""
    return "uploaded" + (f", {stretch:g} times as long" if stretch != 1 else "") + moved


def _kept(services: Services, composition: Composition, track: str, name: str, stem: Stem) -> TakeView:
    take = stored_take(services.blobs, stem, composition_id=composition.id, track=track, name=name)
    try:
        return TakeView.model_validate(services.compositions.add_upload(take))
    except BaseException:
        services.blobs.delete(take.blob_key)
        raise

"""Each call of the API: what is sent, and how its answer is read. Who sends it is another matter."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import httpx
from pydantic import TypeAdapter

from stemwright_platform.serving.schema import (
    Alignment,
    CompositionSummary,
    CompositionView,
    GenerationView,
    Lane,
    ModelFacts,
    TakeView,
)

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Call(Generic[T]):
    """One call."""

    method: str
    path: str
    """Below /v1."""
    read: Callable[[httpx.Response], T]
    params: Mapping[str, Any] = field(default_factory=dict)
    json: Any = None
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = True
    """Whether making it twice does no harm."""


def models() -> Call[list[ModelFacts]]:
    return Call(method="GET", path="/models", read=_reader(list[ModelFacts]))


def create_composition(body: Mapping[str, Any]) -> Call[CompositionView]:
    return Call(
        method="POST", path="/compositions", json=dict(body), read=_reader(CompositionView), repeatable=False
    )


def list_compositions(limit: int, after: str | None) -> Call[list[CompositionSummary]]:
    params = {"limit": limit} | ({} if after is None else {"after": after})
    return Call(method="GET", path="/compositions", params=params, read=_reader(list[CompositionSummary]))


def composition(composition_id: str) -> Call[CompositionView]:
    return Call(method="GET", path=f"/compositions/{composition_id}", read=_reader(CompositionView))


def change_composition(
    composition_id: str,
    name: str | None,
    prompt: str | None,
    model_uri: str | None,
    lanes: Mapping[str, Lane] | None,
) -> Call[CompositionView]:
    told = None if lanes is None else {track: lane.model_dump() for track, lane in lanes.items()}
    body = _given({"name": name, "prompt": prompt, "model_uri": model_uri, "lanes": told})
    path = f"/compositions/{composition_id}"
    return Call(method="PATCH", path=path, json=body, read=_reader(CompositionView))


def duplicate_composition(
    composition_id: str, name: str | None, duration_s: float | None
) -> Call[CompositionView]:
    path, body = f"/compositions/{composition_id}/duplicate", _given({"name": name, "duration_s": duration_s})
    return Call(method="POST", path=path, json=body, read=_reader(CompositionView), repeatable=False)


def delete_composition(composition_id: str) -> Call[None]:
    return Call(method="DELETE", path=f"/compositions/{composition_id}", read=lambda _: None)


def upload(composition_id: str, track: str, audio: bytes, stretch: float, offset_s: float) -> Call[TakeView]:
    return Call(
        method="PUT",
        path=f"/compositions/{composition_id}/tracks/{track}",
        params={"stretch": stretch, "offset_s": offset_s},
        content=audio,
        read=_reader(TakeView),
        repeatable=False,
    )


def alignment(composition_id: str, track: str, audio: bytes) -> Call[Alignment]:
    path = f"/compositions/{composition_id}/tracks/{track}/alignment"
    return Call(method="POST", path=path, content=audio, read=_reader(Alignment))


def select(composition_id: str, choice: Mapping[str, str | None]) -> Call[CompositionView]:
    path = f"/compositions/{composition_id}/selection"
    return Call(method="PUT", path=path, json=dict(choice), read=_reader(CompositionView))


def generate(
    composition_id: str,
    targets: Sequence[str],
    given: Sequence[str] | None,
    options: Mapping[str, Any],
    idempotency_key: str | None,
) -> Call[GenerationView]:
    """With a key, made up where none is given, so that repeating it asks once."""
    body = _given({"targets": list(targets), "given": None if given is None else list(given), **options})
    return Call(
        method="POST",
        path=f"/compositions/{composition_id}/generations",
        json=body,
        headers={"Idempotency-Key": idempotency_key or uuid.uuid4().hex},
        read=_reader(GenerationView),
    )


def generation(generation_id: str) -> Call[GenerationView]:
    return Call(method="GET", path=f"/generations/{generation_id}", read=_reader(GenerationView))


def cancel(generation_id: str) -> Call[GenerationView]:
    return Call(method="DELETE", path=f"/generations/{generation_id}", read=_reader(GenerationView))


def take_audio(take_id: str, container: str) -> Call[bytes]:
    return _file(f"/takes/{take_id}/audio", {"format": container})


def take_peaks(take_id: str) -> Call[list[list[float]]]:
    return Call(method="GET", path=f"/takes/{take_id}/peaks", read=_reader(list[list[float]]))


def mix(composition_id: str, container: str) -> Call[bytes]:
    return _file(f"/compositions/{composition_id}/mix", {"format": container})


def export(composition_id: str, kind: str) -> Call[bytes]:
    return _file(f"/compositions/{composition_id}/export", {"as": kind})


def _file(path: str, params: Mapping[str, str]) -> Call[bytes]:
    return Call(method="GET", path=path, params=params, read=lambda answer: answer.content)


def _reader(kind: type[T]) -> Callable[[httpx.Response], T]:
    adapter = TypeAdapter(kind)
    return lambda answer: adapter.validate_json(answer.content)


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    """Without what was left open."""
    return {name: value for name, value in options.items() if value is not None}

"""The composition API, call by call, for programs that await; `Client` says what each call is."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, TypeVar

import httpx

from stemwright.audio_container import Container
from stemwright_platform.client import calls
from stemwright_platform.client.calls import Call
from stemwright_platform.client.client import TIMEOUT_S, done, fault_of
from stemwright_platform.client.events import EventReader, Progress
from stemwright_platform.client.retries import Retries
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


class AsyncClient:
    """Every call of /v1, as `Client` has them."""

    def __init__(
        self,
        address: str,
        *,
        key: str | None = None,
        retries: Retries | None = None,
        timeout_s: float = TIMEOUT_S,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        """`address`: as http://127.0.0.1:8000. `key`: where the server asks for one. `http`: what makes the
        calls, if not a plain one.
        """
        self.address, self._retries = address.rstrip("/"), retries or Retries()
        self._http = httpx.AsyncClient(timeout=timeout_s) if http is None else http
        if key is not None:
            self._http.headers["Authorization"] = f"Bearer {key}"

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    async def models(self) -> list[ModelFacts]:
        """The models that are served now."""
        return await self._run(calls.models())

    async def create_composition(self, prompt: str = "", **options: Any) -> CompositionView:
        """Start a composition; options as `NewComposition` has them: duration_s or bars, tempo_bpm, seed …"""
        return await self._run(calls.create_composition({"prompt": prompt, **options}))

    async def compositions(self, *, page: int = 100) -> AsyncIterator[CompositionSummary]:
        """All of them, newest first, fetched page by page."""
        after = None
        while rows := await self._run(calls.list_compositions(page, after)):
            for row in rows:
                yield row
            after = rows[-1].id

    async def composition(self, composition_id: str) -> CompositionView:
        return await self._run(calls.composition(composition_id))

    async def change_composition(
        self,
        composition_id: str,
        *,
        name: str | None = None,
        prompt: str | None = None,
        model_uri: str | None = None,
        lanes: Mapping[str, Lane] | None = None,
    ) -> CompositionView:
        """What is left out stays."""
        return await self._run(calls.change_composition(composition_id, name, prompt, model_uri, lanes))

    async def duplicate_composition(
        self, composition_id: str, *, name: str | None = None, duration_s: float | None = None
    ) -> CompositionView:
        """With the selected takes; a longer one is silent at its end, for a region to continue it."""
        return await self._run(calls.duplicate_composition(composition_id, name, duration_s))

    async def delete_composition(self, composition_id: str) -> None:
        await self._run(calls.delete_composition(composition_id))

    async def upload(
        self, composition_id: str, track: str, audio: bytes, *, stretch: float = 1.0, offset_s: float = 0.0
    ) -> TakeView:
        """A stem (the bytes of a WAV, FLAC, OGG or MP3), which is selected; `alignment` says what fits."""
        return await self._run(calls.upload(composition_id, track, audio, stretch, offset_s))

    async def alignment(self, composition_id: str, track: str, audio: bytes) -> Alignment:
        """What would bring a stem onto the composition's grid; nothing is kept."""
        return await self._run(calls.alignment(composition_id, track, audio))

    async def select(self, composition_id: str, choice: Mapping[str, str | None]) -> CompositionView:
        """Choose a take for some tracks (None: none); the others keep theirs."""
        return await self._run(calls.select(composition_id, choice))

    async def generate(
        self,
        composition_id: str,
        targets: Sequence[str],
        given: Sequence[str] | None = None,
        *,
        idempotency_key: str | None = None,
        **options: Any,
    ) -> GenerationView:
        """Ask for takes; options as `NewGeneration` has them. Takes come later: `wait` or `follow`."""
        return await self._run(calls.generate(composition_id, targets, given, options, idempotency_key))

    async def generation(self, generation_id: str) -> GenerationView:
        return await self._run(calls.generation(generation_id))

    async def cancel(self, generation_id: str) -> GenerationView:
        return await self._run(calls.cancel(generation_id))

    async def wait(
        self, generation_id: str, on_progress: Callable[[Progress], None] = lambda progress: None
    ) -> GenerationView:
        """The generation once it is done. ApiError with the reason where it fails or is cancelled."""
        async for progress in self.follow(generation_id):
            on_progress(progress)
        return done(await self.generation(generation_id))

    async def follow(self, generation_id: str) -> AsyncIterator[Progress]:
        """Each change until the end; a stream that breaks is taken up after what was heard."""
        reader, attempt = EventReader(), 1
        while True:
            fault: httpx.Response | httpx.TransportError | None = None
            try:
                async with self._http.stream(
                    "GET", self._url(f"/generations/{generation_id}/events"), headers=reader.begin()
                ) as answer:
                    if answer.is_error:
                        await answer.aread()
                        fault = answer
                    else:
                        attempt = 1
                        async for line in answer.aiter_lines():
                            if event := reader.feed(line):
                                yield event.progress()
                                if event.is_last:
                                    return
            except httpx.TransportError as error:
                fault = error
            if fault is not None:
                await self._pause(attempt, fault, repeatable=True)
                attempt += 1

    async def take_audio(self, take_id: str, format: Container = "wav") -> bytes:
        return await self._run(calls.take_audio(take_id, format))

    async def take_peaks(self, take_id: str) -> list[list[float]]:
        """[lowest, highest] sample of each of 1,024 equal spans."""
        return await self._run(calls.take_peaks(take_id))

    async def mix(self, composition_id: str, format: Container = "wav") -> bytes:
        """The sum of the selected takes in their lanes."""
        return await self._run(calls.mix(composition_id, format))

    async def export(self, composition_id: str, kind: Literal["zip", "dawproject"] = "zip") -> bytes:
        """Stems, mix and how they were made; or a project for a DAW."""
        return await self._run(calls.export(composition_id, kind))

    def _url(self, path: str) -> str:
        return f"{self.address}/v1{path}"

    async def _run(self, call: Call[T]) -> T:
        attempt = 1
        while True:
            outcome: httpx.Response | httpx.TransportError
            try:
                outcome = await self._http.request(
                    call.method,
                    self._url(call.path),
                    params=call.params,
                    json=call.json,
                    content=call.content,
                    headers=call.headers,
                )
                if not outcome.is_error:
                    return call.read(outcome)
            except httpx.TransportError as error:
                outcome = error
            await self._pause(attempt, outcome, repeatable=call.repeatable)
            attempt += 1

    async def _pause(
        self, attempt: int, outcome: httpx.Response | httpx.TransportError, *, repeatable: bool
    ) -> None:
        """Wait for the next attempt; raises where there is none."""
        wait_s = self._retries.wait_s(attempt, outcome, repeatable=repeatable)
        if wait_s is None:
            raise fault_of(self.address, outcome)
        await asyncio.sleep(wait_s)

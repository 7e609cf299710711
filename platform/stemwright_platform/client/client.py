"""The composition API, call by call, for programs that wait."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, TypeVar

import httpx

from stemwright.audio_container import Container
from stemwright_platform.client import calls
from stemwright_platform.client.calls import Call
from stemwright_platform.client.events import EventReader, Progress
from stemwright_platform.client.faults import ApiError, NoAnswer
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
TIMEOUT_S = 60.0


class Client:
    """Every call of /v1. A refusal is an `ApiError`; a server that is busy or away is asked again."""

    def __init__(
        self,
        address: str,
        *,
        key: str | None = None,
        retries: Retries | None = None,
        timeout_s: float = TIMEOUT_S,
        http: httpx.Client | None = None,
    ) -> None:
        """`address`: as http://127.0.0.1:8000. `key`: where the server asks for one. `http`: what makes the
        calls, if not a plain one.
        """
        self.address, self._retries = address.rstrip("/"), retries or Retries()
        self._http = httpx.Client(timeout=timeout_s) if http is None else http
        if key is not None:
            self._http.headers["Authorization"] = f"Bearer {key}"

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def models(self) -> list[ModelFacts]:
        """The models that are served now."""
        return self._run(calls.models())

    def create_composition(self, prompt: str = "", **options: Any) -> CompositionView:
        """Start a composition; options as `NewComposition` has them: duration_s or bars, tempo_bpm, seed …"""
        return self._run(calls.create_composition({"prompt": prompt, **options}))

    def compositions(self, *, page: int = 100) -> Iterator[CompositionSummary]:
        """All of them, newest first, fetched page by page."""
        after = None
        while rows := self._run(calls.list_compositions(page, after)):
            yield from rows
            after = rows[-1].id

    def composition(self, composition_id: str) -> CompositionView:
        return self._run(calls.composition(composition_id))

    def change_composition(
        self,
        composition_id: str,
        *,
        name: str | None = None,
        prompt: str | None = None,
        model_uri: str | None = None,
        lanes: Mapping[str, Lane] | None = None,
    ) -> CompositionView:
        """What is left out stays."""
        return self._run(calls.change_composition(composition_id, name, prompt, model_uri, lanes))

    def duplicate_composition(
        self, composition_id: str, *, name: str | None = None, duration_s: float | None = None
    ) -> CompositionView:
        """With the selected takes; a longer one is silent at its end, for a region to continue it."""
        return self._run(calls.duplicate_composition(composition_id, name, duration_s))

    def delete_composition(self, composition_id: str) -> None:
        self._run(calls.delete_composition(composition_id))

    def upload(
        self, composition_id: str, track: str, audio: bytes, *, stretch: float = 1.0, offset_s: float = 0.0
    ) -> TakeView:
        """A stem (the bytes of a WAV, FLAC, OGG or MP3), which is selected; `alignment` says what fits."""
        return self._run(calls.upload(composition_id, track, audio, stretch, offset_s))

    def alignment(self, composition_id: str, track: str, audio: bytes) -> Alignment:
        """What would bring a stem onto the composition's grid; nothing is kept."""
        return self._run(calls.alignment(composition_id, track, audio))

    def select(self, composition_id: str, choice: Mapping[str, str | None]) -> CompositionView:
        """Choose a take for some tracks (None: none); the others keep theirs."""
        return self._run(calls.select(composition_id, choice))

    def generate(
        self,
        composition_id: str,
        targets: Sequence[str],
        given: Sequence[str] | None = None,
        *,
        idempotency_key: str | None = None,
        **options: Any,
    ) -> GenerationView:
        """Ask for takes; options as `NewGeneration` has them. Takes come later: `wait` or `follow`."""
        return self._run(calls.generate(composition_id, targets, given, options, idempotency_key))

    def generation(self, generation_id: str) -> GenerationView:
        return self._run(calls.generation(generation_id))

    def cancel(self, generation_id: str) -> GenerationView:
        return self._run(calls.cancel(generation_id))

    def wait(
        self, generation_id: str, on_progress: Callable[[Progress], None] = lambda progress: None
    ) -> GenerationView:
        """The generation once it is done. ApiError with the reason where it fails or is cancelled."""
        for progress in self.follow(generation_id):
            on_progress(progress)
        return done(self.generation(generation_id))

    def follow(self, generation_id: str) -> Iterator[Progress]:
        """Each change until the end; a stream that breaks is taken up after what was heard."""
        reader, attempt = EventReader(), 1
        while True:
            fault: httpx.Response | httpx.TransportError | None = None
            try:
                with self._http.stream(
                    "GET", self._url(f"/generations/{generation_id}/events"), headers=reader.begin()
                ) as answer:
                    if answer.is_error:
                        answer.read()
                        fault = answer
                    else:
                        attempt = 1
                        for line in answer.iter_lines():
                            if event := reader.feed(line):
                                yield event.progress()
                                if event.is_last:
                                    return
            except httpx.TransportError as error:
                fault = error
            if fault is not None:
                self._pause(attempt, fault, repeatable=True)
                attempt += 1

    def take_audio(self, take_id: str, format: Container = "wav") -> bytes:
        return self._run(calls.take_audio(take_id, format))

    def take_peaks(self, take_id: str) -> list[list[float]]:
        """[lowest, highest] sample of each of 1,024 equal spans."""
        return self._run(calls.take_peaks(take_id))

    def mix(self, composition_id: str, format: Container = "wav") -> bytes:
        """The sum of the selected takes in their lanes."""
        return self._run(calls.mix(composition_id, format))

    def export(self, composition_id: str, kind: Literal["zip", "dawproject"] = "zip") -> bytes:
        """Stems, mix and how they were made; or a project for a DAW."""
        return self._run(calls.export(composition_id, kind))

    def _url(self, path: str) -> str:
        return f"{self.address}/v1{path}"

    def _run(self, call: Call[T]) -> T:
        attempt = 1
        while True:
            outcome: httpx.Response | httpx.TransportError
            try:
                outcome = self._http.request(
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
            self._pause(attempt, outcome, repeatable=call.repeatable)
            attempt += 1

    def _pause(
        self, attempt: int, outcome: httpx.Response | httpx.TransportError, *, repeatable: bool
    ) -> None:
        """Wait for the next attempt; raises where there is none."""
        wait_s = self._retries.wait_s(attempt, outcome, repeatable=repeatable)
        if wait_s is None:
            raise fault_of(self.address, outcome)
        time.sleep(wait_s)


def fault_of(address: str, outcome: httpx.Response | httpx.TransportError) -> ApiError:
    """What a caller is told of a call that came to nothing."""
    if isinstance(outcome, httpx.TransportError):
        return NoAnswer(address, str(outcome) or type(outcome).__name__)
    return ApiError.of(outcome)


def done(made: GenerationView) -> GenerationView:
    """The generation itself; ApiError unless it is done."""
    if made.state != "done":
        reason = made.error or "no reason"
        raise ApiError(409, f"generation_{made.state}", f"the generation {made.state}: {reason}", "")
    return made

"""The composition API as a caller sees it: HTTP and JSON, nothing else of the server."""

import time
from collections.abc import Callable, Mapping, Sequence

import httpx

from stemwright.errors import InputError
from stemwright_platform.serving.schema import CompositionView, GenerationView, ModelFacts

POLL_S = 0.2
ENDED = ("done", "failed", "cancelled")


class CompositionClient:
    """Calls of /v1. Every refusal is an InputError with the server's message and remedy."""

    def __init__(self, http: httpx.Client) -> None:
        """`http`: a client whose base address is the server's."""
        self._http = http

    def models(self) -> list[ModelFacts]:
        """The models that are served now."""
        return [ModelFacts.model_validate(facts) for facts in self._call("GET", "/models").json()]

    def create(self, prompt: str, *, duration_s: float, seed: int) -> CompositionView:
        """Start a composition."""
        body = {"prompt": prompt, "duration_s": duration_s, "seed": seed}
        return CompositionView.model_validate(self._call("POST", "/compositions", body).json())

    def generate(
        self,
        composition_id: str,
        *,
        targets: Sequence[str],
        given: Sequence[str] = (),
        on_progress: Callable[[GenerationView], None] = lambda view: None,
    ) -> GenerationView:
        """Ask for a take of each target that fits the given tracks' selected takes, and wait for it.

        λ, steps and solver are the model's own. `on_progress` is told of every look at the generation.
        """
        body = {"targets": list(targets), "given": list(given)}
        answer = self._call("POST", f"/compositions/{composition_id}/generations", body)
        view = GenerationView.model_validate(answer.json())
        while view.state not in ENDED:
            time.sleep(POLL_S)
            view = GenerationView.model_validate(self._call("GET", f"/generations/{view.id}").json())
            on_progress(view)
        if view.state != "done":
            raise InputError(
                f"the generation of {', '.join(targets)} {view.state}: {view.error or 'no reason'}"
            )
        return view

    def select(self, composition_id: str, choice: Mapping[str, str | None]) -> CompositionView:
        """Choose a take for some tracks (None: none); the others keep theirs."""
        answer = self._call("PUT", f"/compositions/{composition_id}/selection", dict(choice))
        return CompositionView.model_validate(answer.json())

    def take_audio(self, take_id: str) -> bytes:
        """A take as a WAV file."""
        return self._call("GET", f"/takes/{take_id}/audio").content

    def mix(self, composition_id: str) -> bytes:
        """The sum of the selected takes as a WAV file."""
        return self._call("GET", f"/compositions/{composition_id}/mix").content

    def _call(self, method: str, path: str, body: object = None) -> httpx.Response:
        try:
            answer = self._http.request(method, f"/v1{path}", json=body)
        except httpx.HTTPError as error:
            raise InputError(f"{method} {path}: no answer from the server ({error})") from None
        if answer.is_error:
            raise InputError(f"{method} {path}: {_refusal(answer)}")
        return answer


def _refusal(answer: httpx.Response) -> str:
    try:
        failure = answer.json()
        return f"{failure['message']}: {failure['remedy']}"
    except (ValueError, KeyError, TypeError):
        return f"status {answer.status_code}"

"""The client against the API itself, and against servers that are busy, away, or break off."""

import asyncio
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile
from fastapi.testclient import TestClient

from stemwright_platform.client import ApiError, AsyncClient, Client, NoAnswer, Retries
from stemwright_platform.client.events import EventReader
from stemwright_platform.serving.api import create_api
from stemwright_platform.serving.schema import Lane
from stemwright_platform.serving.services import Services

TRACKS = ["bass", "drums", "instrument", "melody"]
QUICK = Retries(attempts=3, first_s=0.001, longest_s=0.01)
Mood = int | type[httpx.TransportError]
Answer = Callable[[httpx.Request], httpx.Response]


@pytest.fixture
def api(services) -> Iterator[Client]:
    with Client("http://testserver", http=TestClient(create_api(services)), retries=QUICK) as client:
        yield client


def stem(seconds: float = 1.0) -> bytes:
    file = io.BytesIO()
    tone = 0.1 * np.sin(np.arange(int(48_000 * seconds)) / 20)
    soundfile.write(file, np.stack([tone, tone], 1), 48_000, format="WAV", subtype="PCM_24")
    return file.getvalue()


def test_a_composition_from_its_start_to_its_export(api: Client) -> None:
    piece = api.create_composition("slow blues", bars=1, tempo_bpm=120, seed=3)
    assert (piece.prompt, piece.duration_s, piece.seed) == ("slow blues", 2.0, 3)
    take = api.upload(piece.id, "drums", stem(2.0))
    assert api.composition(piece.id).slots["drums"].selected == take.id
    changed = api.change_composition(piece.id, name="Étude", lanes={"drums": Lane(gain_db=-6.0)})
    assert (changed.name, changed.slots["drums"].lane.gain_db) == ("Étude", -6.0)
    files = api.take_audio(take.id), api.mix(piece.id)
    alone, mixed = (soundfile.read(io.BytesIO(data))[0] for data in files)
    assert np.allclose(mixed, alone * 10 ** (-6 / 20), atol=1e-6)
    assert soundfile.info(io.BytesIO(api.mix(piece.id, "flac"))).format == "FLAC"
    assert len(api.take_peaks(take.id)) == 1024
    assert api.export(piece.id)[:2] == b"PK"
    copy = api.duplicate_composition(piece.id)
    assert {each.id for each in api.compositions(page=1)} == {piece.id, copy.id}
    api.delete_composition(piece.id)
    assert [each.id for each in api.compositions()] == [copy.id]
    assert api.models()[0].tracks == TRACKS


def test_a_generation_is_asked_for_once_however_often(api: Client, services: Services) -> None:
    piece = api.create_composition()
    first = api.generate(piece.id, ["bass"], steps=2, idempotency_key="once")
    assert api.generate(piece.id, ["bass"], steps=2, idempotency_key="once").id == first.id
    assert api.generate(piece.id, ["bass"], steps=2).id != first.id
    assert services.queue.count(piece.id) == 2


def test_waiting_tells_progress_and_gives_the_generation(api: Client, services: Services) -> None:
    asked = api.generate(api.create_composition().id, ["bass"])
    claim = services.queue.claim()
    assert claim is not None
    services.queue.renew(claim, progress=0.5, stage="denoising")
    told = []

    def end_it(progress: Any) -> None:
        told.append((progress.state, progress.progress))
        services.queue.finish(claim, [])

    assert api.wait(asked.id, end_it).state == "done"
    assert told == [("running", 0.5), ("done", 1.0)]


def test_what_fails_or_is_cancelled_is_an_error_with_the_reason(api: Client, services: Services) -> None:
    piece = api.create_composition()
    failed, cancelled = api.generate(piece.id, ["bass"]), api.generate(piece.id, ["drums"])
    claim = services.queue.claim()
    assert claim is not None
    services.queue.fail(claim, "the denoiser is out of memory")
    api.cancel(cancelled.id)
    with pytest.raises(ApiError, match="out of memory"):
        api.wait(failed.id)
    with pytest.raises(ApiError, match="cancelled"):
        api.wait(cancelled.id)


def test_a_refusal_says_what_and_what_to_do(api: Client) -> None:
    with pytest.raises(ApiError) as refused:
        api.composition("nothing")
    assert (refused.value.status, refused.value.code) == (404, "no_such_composition")
    assert refused.value.remedy
    with pytest.raises(ApiError, match="choose 1 to 240 s"):
        api.create_composition(duration_s=9999)


def test_the_awaiting_client_has_the_same_calls_and_the_same_answers(services: Services) -> None:
    names = {name for name in vars(Client) if not name.startswith("_")}
    assert names == {name for name in vars(AsyncClient) if not name.startswith("_")}

    async def compose() -> None:
        transport = httpx.ASGITransport(create_api(services))
        async with AsyncClient("http://test", http=httpx.AsyncClient(transport=transport)) as api:
            piece = await api.create_composition("slow blues", duration_s=2.0)
            take = await api.upload(piece.id, "bass", stem(2.0))
            shown = await api.composition(piece.id)
            assert shown.slots["bass"].selected == take.id
            assert [each.id async for each in api.compositions(page=1)] == [piece.id]
            made = await api.generate(piece.id, ["drums"])
            claim = services.queue.claim()
            assert claim is not None
            services.queue.finish(claim, [])
            assert (await api.wait(made.id)).state == "done"
            with pytest.raises(ApiError):
                await api.generation("nothing")

    asyncio.run(compose())


def client_of(answer: Answer, retries: Retries = QUICK) -> Client:
    return Client("http://server", http=httpx.Client(transport=httpx.MockTransport(answer)), retries=retries)


class Moody:
    """Answers in turn: a status, or a fault of the network."""

    def __init__(self, *moods: Mood) -> None:
        self.moods, self.asked = list(moods), 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        mood = self.moods.pop(0) if len(self.moods) > 1 else self.moods[0]
        if isinstance(mood, int):
            headers = {"Retry-After": "0"} if mood in (429, 503) else {}
            body: Any = [] if mood == 200 else {"code": "busy", "message": "busy", "remedy": "wait"}
            return httpx.Response(mood, json=body, headers=headers)
        raise mood("fault", request=request)


@pytest.mark.parametrize("mood", [429, 503, 502, 504, httpx.ConnectError, httpx.ReadError, httpx.ReadTimeout])
def test_a_server_that_comes_back_is_not_noticed(mood: Mood) -> None:
    server = Moody(mood, mood, 200)
    assert client_of(server).models() == []
    assert server.asked == 3


@pytest.mark.parametrize(("mood", "kind"), [(429, ApiError), (httpx.ConnectError, NoAnswer)])
def test_patience_ends(mood: Mood, kind: type[ApiError]) -> None:
    server = Moody(mood)
    with pytest.raises(kind):
        client_of(server).models()
    assert server.asked == QUICK.attempts


@pytest.mark.parametrize("mood", [400, 404, 409, 422, 500, 507])
def test_what_will_not_change_is_not_asked_again(mood: int) -> None:
    server = Moody(mood)
    with pytest.raises(ApiError) as refused:
        client_of(server).models()
    assert (refused.value.status, server.asked) == (mood, 1)


@pytest.mark.parametrize(
    ("mood", "asked"), [(httpx.ReadError, 1), (504, 1), (httpx.ConnectError, 3), (429, 3)]
)
def test_what_may_have_been_done_is_not_done_twice(mood: Mood, asked: int) -> None:
    server = Moody(mood)
    with pytest.raises(ApiError):
        client_of(server).create_composition("slow blues")
    assert server.asked == asked


def test_the_server_says_how_long_to_wait_within_reason() -> None:
    answer = httpx.Response(429, headers={"Retry-After": "7"})
    assert Retries(longest_s=20).wait_s(1, answer, repeatable=True) == 7
    assert Retries(longest_s=5).wait_s(1, answer, repeatable=True) == 5
    patient, busy = Retries(first_s=1, longest_s=5), httpx.Response(503)
    waits = [patient.wait_s(attempt, busy, repeatable=True) for attempt in range(1, 6)]
    for wait_s, longest in zip(waits, (1, 2, 4, 5, 5), strict=True):
        assert wait_s is not None
        assert longest / 2 <= wait_s <= longest


def test_a_page_of_a_proxy_is_told_by_its_status() -> None:
    client = client_of(lambda request: httpx.Response(403, text="<html>no</html>"))
    with pytest.raises(ApiError, match="answered 403"):
        client.models()


class BreaksOff:
    """A stream of five events that breaks after every second one, and goes on after the last one heard."""

    def __init__(self) -> None:
        self.heard: list[str | None] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        last = request.headers.get("last-event-id")
        self.heard.append(last)
        first = 0 if last is None else int(last) + 1
        return httpx.Response(200, stream=Broken(first))


class Broken(httpx.SyncByteStream):
    def __init__(self, first: int) -> None:
        self._first = first

    def __iter__(self) -> Iterator[bytes]:
        yield b"retry: 500\n\n"
        for number in range(self._first, min(self._first + 2, 5)):
            name = "end" if number == 4 else "progress"
            facts = {"id": "g", "stage": "s", "progress": number / 4, "place": None, "error": None}
            data = json.dumps({**facts, "state": "done" if number == 4 else "running"})
            yield f": comment\nid: {number}\nevent: {name}\ndata: {data}\n\n".encode()
        if self._first + 2 < 5:
            yield b"id: 99\nevent: progress\ndata: {"
            raise httpx.ReadError("broken off")


def test_a_stream_that_breaks_is_taken_up_where_it_was() -> None:
    server = BreaksOff()
    heard = [progress.progress for progress in client_of(server).follow("g")]
    assert heard == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert server.heard == [None, "1", "3"]


def test_an_event_of_several_lines_is_one() -> None:
    reader = EventReader()
    lines = ["id: 7", "event: progress", "data: a", "data: b", ""]
    assert [event.data for line in lines if (event := reader.feed(line))] == ["a\nb"]
    assert reader.begin() == {"Last-Event-ID": "7"}

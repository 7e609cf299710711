"""Who may call, what each may see, and how much each may ask for."""

import logging
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient

from stemwright.errors import InputError
from stemwright_platform.commands.serve import access
from stemwright_platform.serving import access as module
from stemwright_platform.serving.api import create_api
from stemwright_platform.serving.keys import SESSION_S
from stemwright_platform.serving.schema import ModelFacts
from stemwright_platform.serving.services import Services
from stemwright_platform.serving.tables import ApiKey, BrowserSession, Usage

OPEN_PATHS = {"/healthz", "/readyz", "/v1/healthz", "/v1/readyz", "/v1/session"}


@pytest.fixture
def guarded(services: Services, facts: ModelFacts) -> TestClient:
    """A server that asks for keys."""
    services.models.tell(facts)
    asking = replace(services, settings=services.settings.model_copy(update={"access": "keys"}))
    return TestClient(create_api(asking), raise_server_exceptions=False)


@pytest.fixture
def holder(services: Services) -> Callable[..., dict[str, str]]:
    """Headers of a new key."""

    def make(name: str = "somebody", **limits: float) -> dict[str, str]:
        return {"Authorization": f"Bearer {services.keys.create(name, **limits)[1]}"}

    return make


def composition_of(client: TestClient, who: dict[str, str]) -> str:
    made = client.post("/v1/compositions", json={"duration_s": 2.0}, headers=who)
    assert made.status_code == 201, made.text
    return made.json()["id"]


def test_every_call_that_is_not_about_health_asks_for_a_key(guarded: TestClient) -> None:
    calls = [
        (method.upper(), path)
        for path, methods in guarded.get("/v1/openapi.json").json()["paths"].items()
        for method in methods
    ]
    assert len(calls) > 15
    for method, path in calls:
        answer = guarded.request(method, re.sub(r"{\w+}", "x", path), json={})
        if path in OPEN_PATHS:
            assert answer.status_code != 401 or path == "/v1/session"
        else:
            assert (answer.status_code, answer.json()["code"]) == (401, "no_key"), (method, path)
            assert answer.headers["www-authenticate"] == "Bearer"
    assert guarded.get("/metrics").status_code == 401


def test_a_key_opens_and_what_only_looks_like_one_does_not(guarded, services, holder) -> None:
    good = holder()
    assert guarded.get("/v1/models", headers=good).status_code == 200
    told = good["Authorization"].removeprefix("Bearer ")
    key_id = told.split("_")[1]
    for bad in (told[:-1], told + "x", f"sw_{key_id}_", f"xx{told[2:]}", key_id, "", "sw__", "é" * 9):
        header = {"Authorization": f"Bearer {bad}".encode()}
        assert guarded.get("/v1/models", headers=header).status_code == 401, bad
    services.keys.revoke(key_id)
    assert guarded.get("/v1/models", headers=good).status_code == 401


def test_what_is_anothers_does_not_exist(guarded, holder, make_sine, make_wav) -> None:
    mine, other = holder("me"), holder("other")
    piece = composition_of(guarded, mine)
    url = f"/v1/compositions/{piece}"
    take = guarded.put(f"{url}/tracks/drums", content=make_wav(make_sine()), headers=mine).json()["id"]
    made = guarded.post(f"{url}/generations", json={"targets": ["bass"]}, headers=mine).json()["id"]
    calls = [
        ("GET", url, None),
        ("PATCH", url, {"name": "theirs"}),
        ("POST", f"{url}/duplicate", None),
        ("GET", f"{url}/export", None),
        ("GET", f"{url}/mix", None),
        ("PUT", f"{url}/selection", {"drums": None}),
        ("PUT", f"{url}/tracks/drums", {}),
        ("POST", f"{url}/generations", {"targets": ["bass"]}),
        ("GET", f"/v1/takes/{take}/audio", None),
        ("GET", f"/v1/takes/{take}/peaks", None),
        ("GET", f"/v1/generations/{made}", None),
        ("GET", f"/v1/generations/{made}/events", None),
        ("DELETE", f"/v1/generations/{made}", None),
        ("DELETE", url, None),
    ]
    for method, path, body in calls:
        assert guarded.request(method, path, json=body, headers=other).status_code == 404, (method, path)
    assert guarded.get("/v1/compositions", headers=other).json() == []
    shown = guarded.get(url, headers=mine).json()
    assert (shown["name"], shown["slots"]["drums"]["selected"]) == ("", take)
    assert guarded.get(f"/v1/generations/{made}", headers=mine).json()["state"] == "queued"
    theirs = composition_of(guarded, other)
    answer = guarded.put(f"/v1/compositions/{theirs}/selection", json={"drums": take}, headers=other)
    assert answer.status_code == 404
    assert guarded.get("/v1/compositions", params={"after": piece}, headers=other).status_code == 404


def test_a_browser_comes_in_with_a_key_and_leaves(guarded, services, holder, clock) -> None:
    key = holder()["Authorization"].removeprefix("Bearer ")
    assert guarded.post("/v1/session", json={"key": key[:-1]}).status_code == 401
    answer = guarded.post("/v1/session", json={"key": key})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "path=/v1" in cookie
    assert key.split("_", 2)[2].lower() not in cookie
    assert guarded.get("/v1/compositions").status_code == 200
    guarded.delete("/v1/session")
    assert guarded.get("/v1/compositions").status_code == 401

    guarded.post("/v1/session", json={"key": key})
    clock.now += SESSION_S + 1
    assert guarded.get("/v1/compositions").status_code == 401
    guarded.post("/v1/session", json={"key": key})
    services.keys.revoke(key.split("_")[1])
    assert guarded.get("/v1/compositions").status_code == 401


def test_behind_tls_the_cookie_is_for_tls_alone(guarded, holder) -> None:
    key = holder()["Authorization"].removeprefix("Bearer ")
    headers = {"X-Forwarded-Proto": "https"}
    assert (
        "secure"
        in guarded.post("/v1/session", json={"key": key}, headers=headers).headers["set-cookie"].lower()
    )


def test_a_key_has_so_many_generations_a_minute(guarded, holder, clock) -> None:
    mine, other = holder("me", per_minute=2), holder("other", per_minute=2)
    url = f"/v1/compositions/{composition_of(guarded, mine)}/generations"
    statuses = [guarded.post(url, json={"targets": ["bass"]}, headers=mine).status_code for _ in range(3)]
    assert statuses == [202, 202, 429]
    theirs = f"/v1/compositions/{composition_of(guarded, other)}/generations"
    assert guarded.post(theirs, json={"targets": ["bass"]}, headers=other).status_code == 202
    clock.now += 60
    assert guarded.post(url, json={"targets": ["bass"]}, headers=mine).status_code == 202


def test_a_key_has_so_much_audio_a_day_and_deleting_gives_none_back(guarded, holder, clock) -> None:
    mine = holder("me", audio_s_per_day=20.0)
    piece = composition_of(guarded, mine)

    def ask(**changes: object) -> int:
        body = {"targets": ["bass", "drums"], "candidates": 2, **changes}
        url = f"/v1/compositions/{piece}/generations"
        return guarded.post(url, json=body, headers=mine).status_code

    assert [ask(), ask(), ask()] == [202, 202, 429]  # 8 s of stems each
    assert ask(candidates=1) == 202
    guarded.delete(f"/v1/compositions/{piece}", headers=mine)
    piece = composition_of(guarded, mine)
    assert ask(candidates=1) == 429
    clock.now += 86_400 + 60
    assert ask() == 202


def test_a_repeated_call_is_counted_once(guarded, holder) -> None:
    mine = holder("me", per_minute=1)
    url = f"/v1/compositions/{composition_of(guarded, mine)}/generations"
    headers = {**mine, "Idempotency-Key": "once"}
    first, again = (guarded.post(url, json={"targets": ["bass"]}, headers=headers) for _ in range(2))
    assert first.json()["id"] == again.json()["id"]


def test_too_many_calls_of_one_key_wait_and_others_do_not(guarded, holder, monkeypatch) -> None:
    monkeypatch.setattr(module, "CALLS_PER_MINUTE", 3)
    monkeypatch.setattr(module.time, "time", lambda: 30.0)
    mine, other = holder("me"), holder("other")
    assert [guarded.get("/v1/models", headers=mine).status_code for _ in range(4)] == [200, 200, 200, 429]
    assert guarded.get("/v1/models", headers=other).status_code == 200
    monkeypatch.setattr(module.time, "time", lambda: 90.0)
    assert guarded.get("/v1/models", headers=mine).status_code == 200


def test_no_secret_is_stored(guarded, services, holder) -> None:
    key = holder()["Authorization"].removeprefix("Bearer ")
    guarded.post("/v1/session", json={"key": key})
    token = guarded.cookies["stemwright_session"]
    with services.database.read() as session:
        rows = [vars(row) for table in (ApiKey, BrowserSession, Usage) for row in session.query(table)]
    stored = str(rows)
    assert rows
    assert key.split("_", 2)[2] not in stored
    assert token not in stored


def test_owners_take_turns_in_the_queue(guarded, services, holder) -> None:
    busy, late = holder("busy"), holder("late")
    for who, count in ((busy, 4), (late, 1)):
        url = f"/v1/compositions/{composition_of(guarded, who)}/generations"
        for _ in range(count):
            guarded.post(url, json={"targets": ["bass"]}, headers=who)
    claims = [services.queue.claim() for _ in range(5)]
    owners = [services.queue.get(claim.generation_id).owner for claim in claims]
    assert owners.index(owners[0]) == 0
    late_at = [owners.count(owner) for owner in owners].index(1)
    assert late_at <= 1


def test_other_sites_get_no_leave_to_call(guarded, client) -> None:
    for api in (guarded, client):
        origin = {"Origin": "https://evil.example"}
        answer = api.options("/v1/compositions", headers={**origin, "Access-Control-Request-Method": "POST"})
        assert not [name for name in answer.headers if name.startswith("access-control")]
        answer = api.get("/v1/models", headers=origin)
        assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    ("host", "options", "asks"),
    [
        ("127.0.0.1", {}, "open"),
        ("localhost", {}, "open"),
        ("0.0.0.0", {}, "keys"),
        ("192.0.2.7", {}, "keys"),
        ("0.0.0.0", {"open_to_all": True}, "open"),
        ("127.0.0.1", {"keys": True}, "keys"),
    ],
)
def test_keys_are_asked_for_beyond_this_machine(host: str, options: dict[str, bool], asks: str) -> None:
    assert access(host, **options) == asks


def test_open_and_keys_together_are_refused() -> None:
    with pytest.raises(InputError, match="one of them"):
        access("0.0.0.0", open_to_all=True, keys=True)


def test_no_log_holds_a_secret(
    guarded: TestClient, services: Services, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with caplog.at_level(logging.DEBUG):
        secret = services.keys.create("somebody")[1]
        who = {"Authorization": f"Bearer {secret}"}
        piece = composition_of(guarded, who)
        cookie = guarded.post("/v1/session", json={"key": secret}).cookies["stemwright_session"]
        guarded.get(f"/v1/compositions/{piece}", headers=who)
        guarded.get("/v1/compositions", headers={"Authorization": f"Bearer {secret}x"})
        monkeypatch.setattr(type(services.compositions), "list", lambda *_: 1 / 0)
        assert guarded.get("/v1/compositions", headers=who).status_code == 500
    assert "ZeroDivisionError" in caplog.text  # something is logged
    assert secret not in caplog.text
    assert cookie not in caplog.text

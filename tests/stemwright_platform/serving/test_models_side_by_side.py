"""Several models behind one API: compositions name theirs, and each makes its own."""

import io

import pytest
import soundfile
from fastapi.testclient import TestClient

from stemwright_platform.client import Client
from stemwright_platform.serving.local_server import local_server, local_settings
from stemwright_platform.serving.schema import ModelFacts
from stemwright_platform.serving.services import Services

TRACKS = ["bass", "drums", "instrument", "melody"]


@pytest.fixture
def other(services: Services, facts: ModelFacts) -> ModelFacts:
    """Another model, served beside the application's own."""
    beside = facts.model_copy(update={"uri": "another", "version": "another", "steps": 7})
    services.models.tell(beside)
    return beside


def made(client: TestClient, **asked: object) -> dict:
    answer = client.post("/v1/compositions", json=asked)
    assert answer.status_code == 201, answer.text
    return answer.json()


def generation(client: TestClient, composition: dict) -> dict:
    answer = client.post(f"/v1/compositions/{composition['id']}/generations", json={"targets": ["bass"]})
    assert answer.status_code == 202, answer.text
    return answer.json()


def test_a_composition_names_its_model_or_has_the_applications_own(client, facts, other) -> None:
    own, asked = made(client), made(client, model_uri=other.uri)
    assert (own["model_uri"], asked["model_uri"]) == (facts.uri, other.uri)
    assert generation(client, own)["request"]["steps"] == facts.steps
    assert generation(client, asked)["request"]["steps"] == other.steps
    copy = client.post(f"/v1/compositions/{asked['id']}/duplicate").json()
    assert copy["model_uri"] == other.uri


def test_each_model_takes_its_own_work_and_counts_it(client, services, facts, other) -> None:
    first, second = (generation(client, made(client, model_uri=each.uri)) for each in (facts, other))
    assert (first["place"], second["place"]) == (1, 1)
    assert services.queue.num_open(facts.uri) == services.queue.num_open(other.uri) == 1
    assert services.queue.claim(other.uri).generation_id == second["id"]
    assert services.queue.claim(other.uri) is None
    assert services.queue.claim(facts.uri).generation_id == first["id"]


def test_work_of_before_models_had_names_goes_to_whichever_is_there(services, client, facts) -> None:
    composition = made(client)
    brief = services.queue.get(generation(client, composition)["id"]).request
    services.queue.cancel(services.queue.claim().generation_id)
    from stemwright_platform.serving.schema import Brief

    old = services.queue.submit(
        composition["id"], Brief.model_validate(brief), asked="", idempotency_key=None, max_queue=5
    )
    assert services.queue.num_open("another") == 1
    assert services.queue.claim("another").generation_id == old.id


def test_a_model_that_nobody_serves_is_refused_with_those_there_are(client, facts, other, clock) -> None:
    refused = client.post("/v1/compositions", json={"model_uri": "none such"})
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown_model")
    assert facts.uri in refused.json()["remedy"]
    assert other.uri in refused.json()["remedy"]
    composition = made(client)
    answer = client.patch(f"/v1/compositions/{composition['id']}", json={"model_uri": "none such"})
    assert answer.status_code == 422
    clock.now += 3600
    assert client.post("/v1/compositions", json={"model_uri": other.uri}).status_code == 422


def test_a_composition_may_go_on_with_a_model_whose_takes_fit_it(client, services, facts, other) -> None:
    composition = made(client)
    url = f"/v1/compositions/{composition['id']}"
    assert client.patch(url, json={"model_uri": other.uri}).json()["model_uri"] == other.uri
    assert generation(client, composition)["request"]["steps"] == other.steps
    services.models.tell(other.model_copy(update={"uri": "slower", "sample_rate_hz": 32_000}))
    refused = client.patch(url, json={"model_uri": "slower"})
    assert (refused.status_code, refused.json()["code"]) == (409, "other_model")
    assert "32000 Hz" in refused.json()["message"]
    assert client.get(url).json()["model_uri"] == other.uri


@pytest.mark.ray
def test_two_models_make_takes_of_their_own_at_the_same_time(
    ray_cluster, checkpoint, make_checkpoint, tmp_path, free_port
) -> None:
    second = make_checkpoint(tmp_path / "second", seed=3)
    settings = local_settings(str(checkpoint), tmp_path / "state").model_copy(update={"threads": 1})
    with local_server(settings, beside=[str(second)], port=free_port()) as address, Client(address) as client:
        served = {facts.uri for facts in client.models()}
        assert served == {str(checkpoint), str(second)}
        pieces = [client.create_composition("blues", duration_s=1.0, seed=1, model_uri=uri) for uri in served]
        asked = [client.generate(piece.id, ["bass"], steps=2) for piece in pieces]
        ended = [client.wait(generation.id) for generation in asked]
        assert [each.model for each in ended] == [piece.model_uri for piece in pieces]
        sounds = [client.take_audio(each.takes[0].id) for each in ended]
    one, two = (soundfile.read(io.BytesIO(sound))[0] for sound in sounds)
    assert abs(one - two).max() > 1e-3

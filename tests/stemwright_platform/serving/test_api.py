import errno
import io
import json

import numpy as np
import pytest
import soundfile
from fastapi.testclient import TestClient

from stemwright_platform.serving import event_stream
from stemwright_platform.serving.api import create_api

TRACKS = ["bass", "drums", "instrument", "melody"]


def refused(answer, status: int, code: str | None = None) -> dict[str, str]:
    """Every refusal has the one shape."""
    assert answer.status_code == status, answer.text
    failure = answer.json()
    assert set(failure) == {"code", "message", "remedy"}
    assert all(failure.values())
    assert code is None or failure["code"] == code
    return failure


def read(data: bytes) -> np.ndarray:
    audio, rate = soundfile.read(io.BytesIO(data), dtype="float32")
    assert rate == 48_000
    return audio


def upload(client, composition: str, track: str, data: bytes) -> dict:
    answer = client.put(f"/v1/compositions/{composition}/tracks/{track}", content=data)
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_composition_is_made_listed_shown_and_deleted(client, composition):
    shown = client.get(f"/v1/compositions/{composition}").json()
    assert list(shown["slots"]) == TRACKS
    assert shown["prompt"] == "slow blues"
    assert [each["id"] for each in client.get("/v1/compositions").json()] == [composition]
    assert client.delete(f"/v1/compositions/{composition}").status_code == 204
    assert client.get("/v1/compositions").json() == []
    refused(client.get(f"/v1/compositions/{composition}"), 404, "no_such_composition")


@pytest.mark.parametrize("prompt", ["", "🎷🥁 très lent", "x" * 2000])
def test_prompts_of_any_script_are_kept_as_they_are(client, prompt):
    made = client.post("/v1/compositions", json={"prompt": prompt}).json()
    assert client.get(f"/v1/compositions/{made['id']}").json()["prompt"] == prompt


@pytest.mark.parametrize(
    "body",
    [
        b'{"prompt": "%s"}' % (b"x" * 10_000),
        b'{"prompt": "a\\u0000b"}',
        b'{"prompt": "a\\ud83d"}',
        b'{"duration_s": 0}',
        b'{"duration_s": 0.5}',
        b'{"duration_s": 241}',
        b'{"duration_s": NaN}',
        b'{"duration_s": 1e999}',
        b'{"tempo_bpm": -3}',
        b'{"seed": -1}',
        b'{"seed": 1e300}',
        b'{"durations": 3}',
        b"[]",
        b"{not json",
        b"\xff\xfe",
    ],
)
def test_a_bad_composition_is_refused_in_the_one_shape(client, body):
    headers = {"content-type": "application/json"}
    refused(client.post("/v1/compositions", content=body, headers=headers), 422)
    assert client.get("/v1/compositions").json() == []


@pytest.mark.parametrize(
    "kind, subtype", [("WAV", "PCM_16"), ("WAV", "FLOAT"), ("FLAC", None), ("OGG", None), ("MP3", None)]
)
def test_an_upload_becomes_the_selected_take_and_the_mix(
    client, composition, make_sine, make_wav, kind, subtype
):
    source = make_sine()
    take = upload(client, composition, "drums", make_wav(source, kind=kind, subtype=subtype))
    assert take["name"] == "uploaded"
    slot = client.get(f"/v1/compositions/{composition}").json()["slots"]["drums"]
    assert slot["selected"] == take["id"]
    heard = read(client.get(f"/v1/compositions/{composition}/mix").content)
    assert heard.shape == source.shape
    lossy = kind in ("OGG", "MP3")
    assert np.abs(heard - source).max() < (0.1 if lossy else 1e-4)


def test_a_16_bit_upload_sounds_in_the_mix_bit_for_bit(client, composition, make_sine, make_wav):
    source = make_wav(make_sine(), subtype="PCM_16")
    upload(client, composition, "bass", source)
    assert np.array_equal(read(client.get(f"/v1/compositions/{composition}/mix").content), read(source))


def test_an_upload_may_come_as_a_form(client, composition, make_sine, make_wav):
    files = {"file": ("loop.wav", make_wav(make_sine()), "audio/wav")}
    assert client.put(f"/v1/compositions/{composition}/tracks/bass", files=files).status_code == 201


@pytest.mark.parametrize("seconds", [0.001, 0.7, 5.0])
@pytest.mark.parametrize("rate, channels", [(8_000, 1), (44_100, 2), (192_000, 2)])
def test_an_upload_is_resampled_and_cut_or_padded_to_length(
    client, composition, make_sine, make_wav, seconds, rate, channels
):
    take = upload(client, composition, "bass", make_wav(make_sine(seconds, rate, channels)[:300_000], rate))
    assert read(client.get(f"/v1/takes/{take['id']}/audio").content).shape == (96_000, 2)


def test_the_gain_of_an_upload_is_that_of_its_loudness(client, composition, make_sine, make_wav):
    loud = upload(client, composition, "bass", make_wav(make_sine(level=0.4)))
    soft = upload(client, composition, "drums", make_wav(make_sine(level=0.04)))
    assert soft["gain_db"] - loud["gain_db"] == pytest.approx(20, abs=0.1)
    silent = upload(client, composition, "melody", make_wav(np.zeros((4800, 2), np.float32)))
    assert silent["gain_db"] == 0


def damaged(make_sine, make_wav, fault: str) -> bytes:
    if fault == "nan":
        return make_wav(np.full((4800, 2), np.nan, np.float32), subtype="FLOAT")
    if fault == "truncated":
        return make_wav(make_sine())[:-100_000]
    if fault == "too long":
        return make_wav(make_sine(31.0, 8_000, 1), 8_000)
    return {"empty": b"", "text": b"this is no audio" * 10, "no samples": make_wav(np.zeros((0, 2)))}[fault]


@pytest.mark.parametrize("fault", ["empty", "text", "no samples", "nan", "truncated", "too long"])
def test_what_is_no_audio_is_refused_and_leaves_nothing(
    client, services, composition, make_sine, make_wav, fault
):
    url = f"/v1/compositions/{composition}/tracks/bass"
    refused(client.put(url, content=damaged(make_sine, make_wav, fault)), 422, "bad_input")
    assert services.blobs.keys() == []
    assert client.get(f"/v1/compositions/{composition}").json()["slots"]["bass"]["takes"] == []


def test_an_upload_over_the_limit_is_refused_with_and_without_a_declared_length(client, composition):
    url = f"/v1/compositions/{composition}/tracks/bass"
    refused(client.put(url, content=b"x" * 2_000_001), 413, "too_large")
    refused(client.put(url, content=(b"x" * 100_000 for _ in range(30))), 413, "too_large")
    refused(client.put(url, files={"file": ("a.wav", b"x" * 2_100_000)}), 413, "too_large")


def test_a_broken_form_is_refused(client, composition):
    url = f"/v1/compositions/{composition}/tracks/bass"
    refused(client.put(url, data={"file": "x"}, files={}), 422)
    headers = {"content-type": "multipart/form-data"}
    refused(client.put(url, content=b"x", headers=headers), 422, "bad_form")
    files = [("one", ("a.wav", b"x")), ("two", ("b.wav", b"x"))]
    refused(client.put(url, files=files), 422, "no_file")


def test_a_full_disk_is_told_and_leaves_nothing(
    client, services, composition, make_sine, make_wav, monkeypatch
):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    url = f"/v1/compositions/{composition}/tracks/bass"
    refused(client.put(url, content=make_wav(make_sine())), 507, "storage_full")
    assert services.blobs.keys() == []
    assert client.get(f"/v1/compositions/{composition}").json()["slots"]["bass"]["takes"] == []


def test_audio_is_not_sent_again_to_who_has_it(client, composition, make_sine, make_wav):
    take = upload(client, composition, "bass", make_wav(make_sine()))
    for url in (f"/v1/takes/{take['id']}/audio", f"/v1/compositions/{composition}/mix"):
        first = client.get(url)
        assert first.headers["content-type"] == "audio/wav"
        assert int(first.headers["content-length"]) == len(first.content)
        again = client.get(url, headers={"if-none-match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


def test_peaks_draw_the_take(client, composition, make_sine, make_wav):
    take = upload(client, composition, "bass", make_wav(make_sine(1.0, level=0.5)))
    peaks = np.array(client.get(f"/v1/takes/{take['id']}/peaks").json())
    assert peaks.shape == (1024, 2)
    assert np.abs(peaks[:500]).max() == pytest.approx(0.5, abs=0.01)
    assert not peaks[600:].any()
    fine = np.array(client.get(f"/v1/takes/{take['id']}/peaks?bins=4096").json())
    assert fine.shape == (4096, 2)
    assert fine.reshape(1024, 4, 2)[:, :, 1].max(axis=1) == pytest.approx(peaks[:, 1], abs=0.01)


def test_a_loud_mix_is_turned_down_as_a_whole(client, composition, make_sine, make_wav):
    source = make_sine(level=0.4)
    for track in TRACKS:
        upload(client, composition, track, make_wav(source))
    heard = read(client.get(f"/v1/compositions/{composition}/mix").content)
    assert np.abs(heard).max() <= 0.991
    assert np.allclose(heard / heard.max(), source / source.max(), atol=1e-3)


def test_choosing_keeps_the_history_and_undo_is_choosing_again(client, composition, make_sine, make_wav):
    first = upload(client, composition, "bass", make_wav(make_sine()))["id"]
    second = upload(client, composition, "bass", make_wav(make_sine(level=0.1)))["id"]
    url = f"/v1/compositions/{composition}/selection"
    shown = client.put(url, json={"bass": None}).json()
    assert shown["slots"]["bass"]["selected"] is None
    refused(client.get(f"/v1/compositions/{composition}/mix"), 409, "nothing_selected")
    shown = client.put(url, json={"bass": first}).json()
    assert [each["takes"].get("bass") for each in shown["history"]] == [first, second, None, first]
    assert len(shown["slots"]["bass"]["takes"]) == 2


def test_a_bad_choice_is_refused_and_changes_nothing(client, composition, make_sine, make_wav):
    take = upload(client, composition, "bass", make_wav(make_sine()))["id"]
    other = client.post("/v1/compositions", json={}).json()["id"]
    url = f"/v1/compositions/{composition}/selection"
    refused(client.put(url, json={"tuba": take}), 422, "unknown_track")
    refused(client.put(url, json={"drums": take}), 422, "wrong_track")
    refused(client.put(url, json={"bass": "none such"}), 404, "no_such_take")
    refused(client.put(url, json={"bass": 7}), 422, "invalid_request")
    refused(client.put(f"/v1/compositions/{other}/selection", json={"bass": take}), 404, "no_such_take")
    assert len(client.get(f"/v1/compositions/{composition}").json()["history"]) == 1


def test_a_generation_waits_in_its_place_with_everything_decided(client, composition, make_sine, make_wav):
    take = upload(client, composition, "drums", make_wav(make_sine()))["id"]
    url = f"/v1/compositions/{composition}/generations"
    asked = client.post(url, json={"targets": ["melody", "bass"], "candidates": 3})
    assert asked.status_code == 202
    generation = asked.json()
    assert (generation["state"], generation["place"], generation["takes"]) == ("queued", 1, [])
    brief = generation["request"]
    assert brief["targets"] == ["bass", "melody"]
    assert brief["given"] == {"drums": take}
    assert (brief["guidance_scale"], brief["steps"], brief["solver"]) == (3.5, 20, "dpmpp_2m")
    assert brief["seeds"] == [7, 8, 9]
    second = client.post(url, json={"targets": ["bass"], "given": [], "guidance_scale": 0}).json()
    assert (second["place"], second["request"]["given"]) == (2, {})
    assert second["request"]["guidance_scale"] == 0
    assert not set(second["request"]["seeds"]) & set(brief["seeds"])


def test_the_tempo_is_told_beside_the_prompt(client):
    made = client.post("/v1/compositions", json={"prompt": "funk", "tempo_bpm": 96}).json()
    asked = client.post(f"/v1/compositions/{made['id']}/generations", json={"targets": ["bass"]}).json()
    assert asked["request"]["prompt"] == "funk, 96 bpm"


@pytest.mark.parametrize(
    "status, body",
    [
        (422, {}),
        (422, {"targets": []}),
        (422, {"targets": ["tuba"]}),
        (422, {"targets": ["bass"], "given": ["tuba"]}),
        (422, {"targets": ["bass"], "given": ["bass"]}),
        (409, {"targets": ["bass"], "given": ["drums"]}),
        (422, {"targets": ["bass"], "guidance_scale": -0.1}),
        (422, {"targets": ["bass"], "guidance_scale": 20.5}),
        (422, {"targets": ["bass"], "text_guidance": 1e9}),
        (422, {"targets": ["bass"], "steps": 0}),
        (422, {"targets": ["bass"], "solver": "magic"}),
        (422, {"targets": ["bass"], "candidates": 9}),
        (422, {"targets": ["bass"], "prompt": "x" * 2001}),
        (422, {"targets": "bass"}),
        (422, {"targets": ["bass"], "tempo": 4}),
    ],
)
def test_a_bad_generation_is_refused_and_not_queued(client, services, composition, status, body):
    refused(client.post(f"/v1/compositions/{composition}/generations", json=body), status)
    assert services.queue.claim() is None


def test_a_repeated_key_gives_the_first_answer_and_another_body_is_refused(client, composition):
    url, headers = f"/v1/compositions/{composition}/generations", {"Idempotency-Key": "k"}
    first = client.post(url, json={"targets": ["bass"]}, headers=headers)
    again = client.post(url, json={"targets": ["bass"]}, headers=headers)
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["id"] == again.json()["id"]
    other = client.post(url, json={"targets": ["drums"]}, headers=headers)
    refused(other, 409, "idempotency_mismatch")


def test_a_full_queue_says_when_to_come_back(client, composition):
    url = f"/v1/compositions/{composition}/generations"
    answers = [client.post(url, json={"targets": ["bass"]}) for _ in range(6)]
    refused(answers[-1], 429, "queue_full")
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert answers[-1].headers["retry-after"]


def test_cancelling_ends_a_generation(client, composition):
    url = f"/v1/compositions/{composition}/generations"
    generation = client.post(url, json={"targets": ["bass"]}).json()["id"]
    assert client.delete(f"/v1/generations/{generation}").json()["state"] == "cancelled"
    assert client.get(f"/v1/generations/{generation}").json()["place"] is None
    refused(client.delete("/v1/generations/none"), 404, "no_such_generation")


def test_events_tell_each_change_and_end(client, services, composition):
    url = f"/v1/compositions/{composition}/generations"
    generation = client.post(url, json={"targets": ["bass"]}).json()["id"]
    claim = services.queue.claim()
    services.queue.renew(claim, progress=0.5, stage="denoising")
    told = []
    with client.stream("GET", f"/v1/generations/{generation}/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            if line.startswith("event:"):
                told.append(line.removeprefix("event: "))
            if line.startswith("data:"):
                told.append(json.loads(line.removeprefix("data: "))["progress"])
                services.queue.finish(claim, [])
    assert told == ["progress", 0.5, "end", 1.0]


def test_a_stream_ends_in_time_and_the_next_one_tells_what_is_new(client, services, composition, monkeypatch):
    monkeypatch.setattr(event_stream, "STREAM_S", 0.3)
    monkeypatch.setattr(event_stream, "POLL_S", 0.05)
    url = f"/v1/compositions/{composition}/generations"
    generation = client.post(url, json={"targets": ["bass"]}).json()["id"]
    first = client.get(f"/v1/generations/{generation}/events").text
    assert first.count("event: progress") == 1
    heard = first.split("id: ")[1].splitlines()[0]
    again = client.get(f"/v1/generations/{generation}/events", headers={"Last-Event-ID": heard}).text
    assert "event:" not in again
    services.queue.cancel(generation)
    last = client.get(f"/v1/generations/{generation}/events", headers={"Last-Event-ID": heard}).text
    assert [line for line in last.splitlines() if line.startswith("event:")] == ["event: end"]


def test_events_end_when_the_composition_is_deleted(client, composition):
    url = f"/v1/compositions/{composition}/generations"
    generation = client.post(url, json={"targets": ["bass"]}).json()["id"]
    with client.stream("GET", f"/v1/generations/{generation}/events") as answer:
        lines = answer.iter_lines()
        assert "event: progress" in lines  # reads on until it comes
        client.delete(f"/v1/compositions/{composition}")
        assert "event: end" in list(lines)


def events_of(text: str) -> list[tuple[str, dict]]:
    events = [dict(line.split(": ", 1) for line in each.splitlines()) for each in text.split("\n\n")]
    return [(each["event"], json.loads(each["data"])) for each in events if "event" in each]


def test_a_composition_tells_what_is_in_the_making(client, services, composition, monkeypatch):
    monkeypatch.setattr(event_stream, "STREAM_S", 0.3)
    monkeypatch.setattr(event_stream, "POLL_S", 0.05)
    url = f"/v1/compositions/{composition}"
    assert events_of(client.get(f"{url}/events").text) == [("generations", {"asked": 0, "unended": []})]
    for track in ("bass", "drums"):
        client.post(f"{url}/generations", json={"targets": [track]}).raise_for_status()
    claim = services.queue.claim()
    services.queue.renew(claim, progress=0.5, stage="denoising")
    ((_, told),) = events_of(client.get(f"{url}/events").text)
    assert told["asked"] == 2
    listed = told["unended"]
    assert [(each["request"]["targets"], each["progress"]) for each in listed] == [
        (["bass"], 0.5),
        (["drums"], 0),
    ]
    assert listed[0] == client.get(f"/v1/generations/{listed[0]['id']}").json()
    services.queue.finish(claim, [])
    ((_, left),) = events_of(client.get(f"{url}/events").text)
    assert [each["id"] for each in left["unended"]] == [listed[1]["id"]]
    refused(client.get("/v1/compositions/none/events"), 404, "no_such_composition")


def test_what_came_and_ended_between_two_looks_is_told(client, composition, monkeypatch):
    monkeypatch.setattr(event_stream, "STREAM_S", 0.3)
    url = f"/v1/compositions/{composition}"
    heard = client.get(f"{url}/events").text.split("id: ")[1].splitlines()[0]
    asked = client.post(f"{url}/generations", json={"targets": ["bass"]}).json()["id"]
    client.delete(f"/v1/generations/{asked}")
    again = client.get(f"{url}/events", headers={"Last-Event-ID": heard}).text
    assert events_of(again) == [("generations", {"asked": 1, "unended": []})]


def test_a_composition_tells_that_it_was_deleted(client, composition):
    with client.stream("GET", f"/v1/compositions/{composition}/events") as answer:
        lines = answer.iter_lines()
        assert "event: generations" in lines  # reads on until it comes
        client.delete(f"/v1/compositions/{composition}")
        assert "event: end" in list(lines)


def test_the_service_tells_its_model_readiness_and_counts(client, clock, composition):
    client.post(f"/v1/compositions/{composition}/generations", json={"targets": ["bass"]})
    assert [model["uri"] for model in client.get("/v1/models").json()] == ["a-model"]
    for prefix in ("", "/v1"):
        assert client.get(f"{prefix}/readyz").status_code == 200
        assert 'stemwright_generations{state="queued"} 1' in client.get(f"{prefix}/metrics").text
    clock.now += 60
    refused(client.get("/readyz"), 503, "not_ready")
    assert client.get("/healthz").status_code == 200
    assert client.get("/v1/models").json() == []


def test_without_a_model_nothing_is_accepted(services):
    client = TestClient(create_api(services))
    refused(client.post("/v1/compositions", json={}), 503, "not_ready")


def test_an_unknown_call_and_a_fault_have_the_one_shape_too(client, services, monkeypatch):
    refused(client.get("/v1/nowhere"), 404, "no_such_call")
    refused(client.patch("/v1/compositions", json={}), 405, "wrong_method")
    monkeypatch.setattr(type(services.compositions), "list", lambda *_: 1 / 0)
    refused(client.get("/v1/compositions"), 500, "fault")


def test_every_refusal_is_in_the_openapi_description(client):
    description = client.get("/v1/openapi.json").json()
    assert "HTTPValidationError" not in json.dumps(description)
    assert set(description["paths"]["/v1/compositions"]) == {"get", "post"}


def test_every_json_body_has_an_example_that_the_call_understands(client, composition):
    described = client.get("/v1/openapi.json").json()
    seen = 0
    for path, methods in described["paths"].items():
        for method, call in methods.items():
            body = call.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
            if body is None:
                continue
            reference = body.get("anyOf", [body])[0].get("$ref", "")
            body = described["components"]["schemas"].get(reference.rpartition("/")[2], body)
            for example in body["examples"]:
                url = path.replace("{composition_id}", composition)
                answer = client.request(method, url, json=example)
                assert answer.json().get("code") != "invalid_request", answer.text
                seen += 1
    assert seen == 6


def test_a_region_needs_takes_a_place_in_the_piece_and_a_model_that_learned_it(
    client, services, facts, composition, make_sine, make_wav
):
    url = f"/v1/compositions/{composition}/generations"
    body = {"targets": ["bass"], "region": {"start_s": 0.5, "end_s": 1.5}}
    refused(client.post(url, json=body), 409, "no_selected_take")
    take = upload(client, composition, "bass", make_wav(make_sine()))
    drums = upload(client, composition, "drums", make_wav(make_sine()))
    request = client.post(url, json=body).json()["request"]
    assert (request["region_s"], request["takes"]) == ([0.5, 1.5], {"bass": take["id"]})
    assert request["given"] == {"drums": drums["id"]}
    for start_s, end_s in ((1.0, 0.5), (1.0, 1.0), (1.0, 2.5)):
        bad = {**body, "region": {"start_s": start_s, "end_s": end_s}}
        refused(client.post(url, json=bad), 422, "bad_region")
    services.models.tell(facts.model_copy(update={"rewrites": False}))
    refused(client.post(url, json=body), 409, "no_regions")


def test_tempo_and_metre_are_changed_for_what_is_made_from_now_on(client, composition):
    changed = client.patch(f"/v1/compositions/{composition}", json={"tempo_bpm": 96.5, "beats_per_bar": 3})
    assert (changed.json()["tempo_bpm"], changed.json()["beats_per_bar"]) == (96.5, 3)
    assert changed.json()["duration_s"] == 2.0
    asked = client.post(f"/v1/compositions/{composition}/generations", json={"targets": ["bass"]})
    assert asked.json()["request"]["prompt"] == "slow blues, 3/4, 96 bpm"
    assert client.patch(f"/v1/compositions/{composition}", json={"tempo_bpm": 5}).status_code == 422

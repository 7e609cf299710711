"""Alg. 1 through real HTTP on a local Ray Serve, with a tiny model of random weights."""

import io
import time

import httpx
import numpy as np
import pytest
import soundfile
import torch

pytestmark = pytest.mark.ray
TRACKS = ["bass", "drums", "instrument", "melody"]


@pytest.fixture
def composition(api: httpx.Client) -> str:
    made = api.post("/compositions", json={"prompt": "slow blues", "duration_s": 2.0, "seed": 5})
    assert made.status_code == 201, made.text
    return made.json()["id"]


def _wait(condition, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def generated(api: httpx.Client, composition: str, **asked) -> dict:
    """Ask, follow to the end, give the generation."""
    answer = api.post(f"/compositions/{composition}/generations", json=asked)
    assert answer.status_code == 202, answer.text
    url = f"/generations/{answer.json()['id']}"
    with api.stream("GET", f"{url}/events") as events:
        assert [line for line in events.iter_lines() if line.startswith("event:")][-1] == "event: end"
    return api.get(url).json()


def audio(answer: httpx.Response) -> np.ndarray:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "audio/wav"
    samples, rate = soundfile.read(io.BytesIO(answer.content), dtype="float32")
    assert rate == 48_000
    return samples


def test_joint_then_choose_two_then_the_rest_given_them_then_the_mix(api, composition):
    joint = generated(api, composition, targets=TRACKS, candidates=2)
    assert (joint["state"], joint["error"], joint["progress"]) == ("done", None, 1.0)
    assert [(take["name"], take["track"]) for take in joint["takes"]] == [
        (name, track) for name in ("take 1", "take 2") for track in TRACKS
    ]
    chosen = {take["track"]: take["id"] for take in joint["takes"][:2]}
    api.put(f"/compositions/{composition}/selection", json=chosen).raise_for_status()

    rest = generated(api, composition, targets=["instrument", "melody"], guidance_scale=3.0)
    assert rest["state"] == "done", rest["error"]
    assert rest["request"]["given"] == chosen
    chosen |= {take["track"]: take["id"] for take in rest["takes"]}
    api.put(f"/compositions/{composition}/selection", json=chosen).raise_for_status()

    stems = [audio(api.get(f"/takes/{chosen[track]}/audio")) for track in TRACKS]
    assert all(stem.shape == (96_000, 2) and stem.std() > 0 for stem in stems)
    mixed, total = audio(api.get(f"/compositions/{composition}/mix")), sum(stems)
    assert np.allclose(mixed, total * min(1.0, 0.99 / np.abs(total).max()), atol=1e-5)


def test_given_uploads_sound_in_the_mix_as_they_came(api, composition, make_sine, make_wav):
    source = make_sine(level=0.05)
    upload = api.put(
        f"/compositions/{composition}/tracks/drums", content=make_wav(source, subtype="PCM_24")
    ).json()
    made = generated(api, composition, targets=["bass"], given=["drums"], steps=2)
    assert made["request"]["given"] == {"drums": upload["id"]}
    bass = audio(api.get(f"/takes/{made['takes'][0]['id']}/audio"))
    api.put(f"/compositions/{composition}/selection", json={"bass": made["takes"][0]["id"]})
    mixed = audio(api.get(f"/compositions/{composition}/mix"))
    assert np.allclose(mixed - bass, source, atol=1e-5)


def test_no_header_of_a_caller_changes_how_long_a_call_may_take(api):
    assert api.get("/readyz", headers={"x-request-timeout-seconds": "0.0001"}).status_code == 200


def test_the_same_seed_gives_the_same_take_and_another_seed_another(api, composition, same_take):
    same = [generated(api, composition, targets=["bass"], seed=3, steps=2) for _ in range(2)]
    pair = generated(api, composition, targets=["bass"], seed=2, steps=2, candidates=2)
    first, second = (api.get(f"/takes/{made['takes'][0]['id']}/audio").content for made in same)
    takes = [api.get(f"/takes/{take['id']}/audio").content for take in pair["takes"]]
    assert same_take(first, second)
    assert same_take(first, takes[1])  # in one forward with another
    assert not same_take(first, takes[0])


def test_the_take_is_the_one_that_the_library_composes(api, composition, checkpoint, same_take):
    from stemwright.audio import encode_wav
    from stemwright.compose import Composer, Request
    from stemwright.tasks import Task

    made = generated(api, composition, targets=["bass"], seed=3, steps=2)
    request = Request(prompt="slow blues", task=Task(("bass",)), duration_s=2.0, seed=3, num_steps=2)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    stems = Composer.load(checkpoint).generate(request)
    torch.set_num_threads(threads)
    assert same_take(api.get(f"/takes/{made['takes'][0]['id']}/audio").content, encode_wav(stems["bass"]))


def test_a_region_is_made_anew_and_the_rest_stays_as_it_was(api, composition):
    whole = generated(api, composition, targets=["bass", "drums"], steps=3)
    chosen = {take["track"]: take["id"] for take in whole["takes"]}
    api.put(f"/compositions/{composition}/selection", json=chosen).raise_for_status()
    before = audio(api.get(f"/takes/{chosen['bass']}/audio"))
    made = generated(api, composition, targets=["bass"], region={"start_s": 0.5, "end_s": 1.0}, steps=3)
    assert (made["state"], made["error"]) == ("done", None)
    assert made["request"]["takes"] == {"bass": chosen["bass"]}
    assert made["request"]["given"] == {"drums": chosen["drums"]}
    after = audio(api.get(f"/takes/{made['takes'][0]['id']}/audio"))
    inside = slice(24_000, 48_000)
    outside = np.r_[0:24_000, 48_000:96_000]
    assert np.array_equal(after[outside], before[outside])
    assert np.abs(after[inside] - before[inside]).max() > 1e-3


def test_a_piece_is_continued_from_its_end(api, composition):
    whole = generated(api, composition, targets=["bass", "drums"], steps=3)
    chosen = {take["track"]: take["id"] for take in whole["takes"]}
    api.put(f"/compositions/{composition}/selection", json=chosen).raise_for_status()
    longer = api.post(f"/compositions/{composition}/duplicate", json={"duration_s": 3.0}).json()
    region = {"start_s": 2.0, "end_s": 3.0}
    more = generated(api, longer["id"], targets=["bass", "drums"], region=region, steps=3)
    assert more["state"] == "done", more["error"]
    for take in more["takes"]:
        made = audio(api.get(f"/takes/{take['id']}/audio"))
        before = audio(api.get(f"/takes/{chosen[take['track']]}/audio"))
        assert np.array_equal(made[:96_000], before)
        assert np.abs(made[96_000:]).max() > 1e-3


def test_a_cancelled_generation_frees_its_replica(api, composition):
    asked = {"targets": ["bass"], "steps": 1000, "candidates": 2}
    slow = api.post(f"/compositions/{composition}/generations", json=asked).json()["id"]
    _wait(lambda: 0 < api.get(f"/generations/{slow}").json()["progress"] < 1)
    assert api.delete(f"/generations/{slow}").json()["state"] == "cancelled"
    assert generated(api, composition, targets=["bass"], steps=2)["state"] == "done"
    assert api.get(f"/generations/{slow}").json()["takes"] == []


def test_a_generation_that_cannot_be_made_ends_failed_with_the_reason(
    api, state, composition, make_sine, make_wav
):
    upload = api.put(f"/compositions/{composition}/tracks/drums", content=make_wav(make_sine())).json()
    (state / "blobs" / composition / f"{upload['id']}.wav").unlink()
    made = generated(api, composition, targets=["bass"], steps=2)
    assert made["state"] == "failed"
    assert made["error"] == "the audio of the given drums is gone: upload it again"

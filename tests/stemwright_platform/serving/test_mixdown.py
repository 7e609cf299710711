"""Lanes: what gain, pan and mute do to the mix, and that they stay with the composition."""

import io

import numpy as np
import pytest
import soundfile


def heard(client, composition: str) -> np.ndarray:
    answer = client.get(f"/v1/compositions/{composition}/mix")
    assert answer.status_code == 200, answer.text
    return soundfile.read(io.BytesIO(answer.content))[0]


@pytest.fixture
def tracks(client, composition, make_sine, make_wav) -> dict[str, np.ndarray]:
    """Two uploads of other levels, as they are heard alone."""
    made = {}
    for track, level in (("drums", 0.1), ("bass", 0.2)):
        audio = make_sine(level=level)
        client.put(
            f"/v1/compositions/{composition}/tracks/{track}", content=make_wav(audio, subtype="PCM_24")
        )
        made[track] = audio
    return made


def change(client, composition: str, **lanes: dict) -> dict:
    answer = client.patch(f"/v1/compositions/{composition}", json={"lanes": lanes})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_mix_is_the_sum_of_lanes(client, composition, tracks):
    assert np.allclose(heard(client, composition), tracks["drums"] + tracks["bass"], atol=1e-5)
    change(client, composition, drums={"gain_db": -6.0}, bass={"pan": -1})
    left, right = heard(client, composition).T
    drums = tracks["drums"] * 10 ** (-6 / 20)
    assert np.allclose(left, drums[:, 0] + tracks["bass"][:, 0], atol=1e-5)
    assert np.allclose(right, drums[:, 1], atol=1e-5)
    change(client, composition, drums={"mute": True}, bass={"pan": 0.5})
    left, right = heard(client, composition).T
    assert np.allclose(left, 0.5 * tracks["bass"][:, 0], atol=1e-5)
    assert np.allclose(right, tracks["bass"][:, 1], atol=1e-5)
    change(client, composition, bass={"mute": True})
    assert not heard(client, composition).any()


def test_lanes_are_kept_and_what_is_left_out_stays(client, composition, tracks):
    change(client, composition, drums={"gain_db": -3.0, "pan": 0.25})
    shown = change(client, composition, melody={"mute": True})
    assert shown["slots"]["drums"]["lane"] == {"gain_db": -3.0, "pan": 0.25, "mute": False}
    assert shown["slots"]["melody"]["lane"]["mute"] is True
    assert shown["slots"]["bass"]["lane"] == {"gain_db": 0.0, "pan": 0.0, "mute": False}
    assert client.get(f"/v1/compositions/{composition}").json() == shown


def test_a_changed_lane_is_another_mix_to_those_who_kept_it(client, composition, tracks):
    url = f"/v1/compositions/{composition}/mix"
    tag = {"If-None-Match": client.get(url).headers["etag"]}
    assert client.get(url, headers=tag).status_code == 304
    change(client, composition, bass={"gain_db": 1.0})
    assert client.get(url, headers=tag).status_code == 200


@pytest.mark.parametrize(
    "lanes",
    [
        {"violin": {}},
        {"bass": {"gain_db": 40}},
        {"bass": {"pan": 1.5}},
        {"bass": {"volume": 1}},
        {"bass": {"gain_db": "NaN"}},
    ],
)
def test_a_lane_that_cannot_be_is_refused_and_nothing_changes(client, composition, lanes):
    before = client.get(f"/v1/compositions/{composition}").json()
    body = {"name": "other", "lanes": {"drums": {"mute": True}, **lanes}}
    assert client.patch(f"/v1/compositions/{composition}", json=body).status_code == 422
    assert client.get(f"/v1/compositions/{composition}").json() == before


def test_a_composition_is_renamed(client, composition):
    shown = client.patch(f"/v1/compositions/{composition}", json={"name": "Étude 🎹"}).json()
    assert (shown["name"], shown["prompt"]) == ("Étude 🎹", "slow blues")
    assert client.get("/v1/compositions").json()[0]["name"] == "Étude 🎹"


def test_a_duplicate_sounds_the_same_and_lives_by_itself(client, services, composition, tracks):
    change(client, composition, drums={"gain_db": -3.0})
    copy = client.post(f"/v1/compositions/{composition}/duplicate").json()
    assert copy["id"] != composition
    assert np.array_equal(heard(client, copy["id"]), heard(client, composition))
    before = heard(client, copy["id"])
    client.delete(f"/v1/compositions/{composition}")
    assert np.array_equal(heard(client, copy["id"]), before)
    client.delete(f"/v1/compositions/{copy['id']}")
    assert services.blobs.keys() == []


def test_an_empty_composition_has_an_empty_duplicate(client, composition):
    copy = client.post(f"/v1/compositions/{composition}/duplicate").json()
    assert all(slot["selected"] is None for slot in copy["slots"].values())


@pytest.mark.parametrize("duration_s", [1.0, 3.5])
def test_a_duplicate_of_another_length_is_cut_or_silent_at_its_end(client, composition, tracks, duration_s):
    url = f"/v1/compositions/{composition}/duplicate"
    copy = client.post(url, json={"duration_s": duration_s, "name": "longer"}).json()
    assert (copy["name"], copy["duration_s"]) == ("longer", duration_s)
    old, new = heard(client, composition), heard(client, copy["id"])
    assert len(new) == round(duration_s * 48_000)
    shared = min(len(old), len(new))
    assert np.array_equal(new[:shared], old[:shared])
    assert not new[shared:].any()
    assert client.post(url, json={"duration_s": 1e6}).json()["code"] == "bad_duration"


def test_pages_of_compositions_hold_each_once(client, clock):
    made = []
    for number in range(7):
        clock.now += number % 3  # some come at the same moment
        made.append(client.post("/v1/compositions", json={"name": str(number)}).json()["id"])
    pages, after = [], None
    while page := client.get(
        "/v1/compositions", params={"limit": 3, **({"after": after} if after else {})}
    ).json():
        pages.append(page)
        after = page[-1]["id"]
    assert sorted(each["id"] for page in pages for each in page) == sorted(made)
    assert [len(page) for page in pages] == [3, 3, 1]
    times = [each["created_at"] for page in pages for each in page]
    assert times == sorted(times, reverse=True)


@pytest.mark.parametrize(("tempo", "beats", "bars"), [(120.0, 4, 4), (97.3, 3, 5), (71.0, 7, 2)])
def test_a_length_in_bars_is_exact_to_the_sample(client, make_sine, make_wav, tempo, beats, bars):
    body = {"bars": bars, "tempo_bpm": tempo, "beats_per_bar": beats}
    made = client.post("/v1/compositions", json=body).json()
    expected = bars * beats * 60 / tempo
    assert made["duration_s"] == pytest.approx(expected, abs=1e-9)
    put = client.put(f"/v1/compositions/{made['id']}/tracks/bass", content=make_wav(make_sine()))
    audio = soundfile.read(io.BytesIO(client.get(f"/v1/takes/{put.json()['id']}/audio").content))[0]
    assert len(audio) == round(expected * 48_000)


@pytest.mark.parametrize("body", [{"bars": 4}, {"bars": 4, "tempo_bpm": 90, "duration_s": 3}, {"bars": 0}])
def test_bars_that_make_no_length_are_refused(client, body):
    assert client.post("/v1/compositions", json=body).status_code == 422


def test_an_odd_metre_is_told_to_the_model(client):
    made = client.post(
        "/v1/compositions", json={"prompt": "waltz", "tempo_bpm": 90, "beats_per_bar": 3}
    ).json()
    asked = client.post(f"/v1/compositions/{made['id']}/generations", json={"targets": ["bass"]}).json()
    assert asked["request"]["prompt"] == "waltz, 3/4, 90 bpm"

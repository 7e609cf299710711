"""Uploads brought onto a composition's grid: offered by ear, done only as asked."""

import io

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from stemwright_platform.serving.alignment import NEAR_S, SAME_TEMPO, alignment
from stemwright_platform.serving.steady_pulse import Pulse

RATE = 48_000
tempos = st.floats(60, 180)


def pulse(tempo_bpm: float, first_s: float, downbeat: int = 0) -> Pulse:
    """`first_s`: a beat; `downbeat`: so many beats later a bar begins."""
    return Pulse(tempo_bpm=tempo_bpm, beat_s=first_s, bar_s=first_s + 60 * downbeat / tempo_bpm)


def from_grid(times_s: np.ndarray | float, spacing_s: float) -> float:
    beats = np.asarray(times_s) / spacing_s
    return float(np.abs(beats - np.round(beats)).max() * spacing_s)


@given(heard=tempos, wanted=tempos, first_s=st.floats(0, 1), downbeat=st.integers(0, 3))
def test_what_is_offered_brings_beats_on_beats_and_bars_on_bars(heard, wanted, first_s, downbeat) -> None:
    stem = pulse(heard, first_s, downbeat)
    found = alignment(stem, wanted, 4)
    octave = found.heard_bpm / heard
    assert min(abs(octave - each) for each in (0.5, 1, 2)) < 1e-3
    assert abs(found.stretch * wanted / found.heard_bpm - 1) <= SAME_TEMPO
    beat_s, tolerance = 60 / wanted, NEAR_S + 0.002
    spacing_s = beat_s * min(1, round(octave, 1))
    assert from_grid(found.stretch * first_s + found.offset_to_beat_s, spacing_s) < tolerance
    assert from_grid(found.stretch * stem.bar_s + found.offset_to_bar_s, spacing_s) < tolerance
    if round(octave, 1) == 1:
        assert from_grid(found.stretch * stem.bar_s + found.offset_to_bar_s, 4 * beat_s) < tolerance
    assert abs(found.offset_to_beat_s) <= beat_s / 2 + 1e-3
    assert abs(found.offset_to_bar_s) <= 2.5 * beat_s + 1e-3


@given(tempo=tempos)
def test_a_stem_that_lies_on_the_grid_is_left_alone(tempo: float) -> None:
    found = alignment(pulse(tempo, 0.0), tempo, 4)
    assert (found.stretch, found.offset_to_beat_s, found.offset_to_bar_s) == (1.0, 0.0, 0.0)


@pytest.mark.parametrize("heard", [60.0, 120.0, 240.0])
def test_half_and_double_the_tempo_are_the_same_tempo(heard: float) -> None:
    found = alignment(pulse(heard, 0.0), 121.0, 4)
    assert found.heard_bpm == 120.0
    assert found.stretch == pytest.approx(120 / 121, abs=1e-4)


def test_without_a_tempo_a_stem_keeps_its_own() -> None:
    found = alignment(pulse(97.0, 0.2), None, 4)
    assert (found.heard_bpm, found.stretch) == (97.0, 1.0)
    assert found.offset_to_beat_s == pytest.approx(-0.2)


def drum_loop(tempo_bpm: float, first_s: float, seconds: float) -> np.ndarray:
    """Kick and snare by turns with hats between, [n, 2]."""
    rng = np.random.default_rng(0)
    audio = np.zeros(round(seconds * RATE))
    fall = np.exp(-np.arange(6000) / 1200)
    kick = np.sin(2 * np.pi * 60 * np.arange(6000) / RATE) * fall
    snare, hat = rng.standard_normal((2, 6000)) * fall * [[0.4], [0.08]]
    for half in range(10_000):
        start = round((first_s + 30 * half / tempo_bpm) * RATE)
        if start + 6000 > len(audio):
            break
        audio[start : start + 6000] += hat if half % 2 else (kick, snare)[half // 2 % 2]
    return np.stack([0.5 * audio, 0.5 * audio], 1).astype(np.float32)


def strokes_s(audio: np.ndarray) -> np.ndarray:
    """Where the loud strokes begin."""
    loud = np.flatnonzero(np.abs(audio[:, 0]) > 0.1)
    starts = loud[np.insert(np.diff(loud) > 5000, 0, True)]
    return starts / RATE


@pytest.fixture
def piece(client) -> str:
    return client.post("/v1/compositions", json={"bars": 8, "tempo_bpm": 110}).json()["id"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_loop_of_another_tempo_lands_on_the_grid_as_offered(client, piece, make_wav) -> None:
    loop = make_wav(drum_loop(100.0, 0.43, 20.0), kind="FLAC")
    url = f"/v1/compositions/{piece}/tracks/drums"
    answer = client.post(f"{url}/alignment", content=loop)
    assert answer.status_code == 200, answer.text
    offer = answer.json()
    assert offer["heard_bpm"] == pytest.approx(100, rel=0.003)
    assert offer["stretch"] == pytest.approx(100 / 110, rel=0.003)
    assert client.get(f"/v1/compositions/{piece}").json()["slots"]["drums"]["takes"] == []  # nothing kept

    params = {"stretch": offer["stretch"], "offset_s": offer["offset_to_beat_s"]}
    take = client.put(url, content=loop, params=params).json()
    assert "times as long" in take["name"]
    heard, _ = soundfile.read(io.BytesIO(client.get(f"/v1/takes/{take['id']}/audio").content))
    assert len(heard) == round(8 * 4 * 60 / 110 * RATE)
    strokes = strokes_s(heard)
    assert len(strokes) >= 20
    assert from_grid(strokes, 30 / 110) < 0.04  # hats lie between beats


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_upload_is_moved_to_the_sample_and_nothing_else_happens(
    client, piece, make_wav, make_sine
) -> None:
    source = make_sine(3.0)
    url = f"/v1/compositions/{piece}/tracks/bass"

    def kept(**params: float) -> np.ndarray:
        take = client.put(url, content=make_wav(source), params=params).json()
        return soundfile.read(
            io.BytesIO(client.get(f"/v1/takes/{take['id']}/audio").content), dtype="float32"
        )[0]

    as_it_came = kept()
    later, earlier = kept(offset_s=0.25), kept(offset_s=-0.5)
    assert not later[: RATE // 4].any()
    assert np.array_equal(later[RATE // 4 :], as_it_came[: -RATE // 4])
    assert np.array_equal(earlier[: -RATE // 2], as_it_came[RATE // 2 :])
    assert not earlier[-RATE // 2 :].any()
    assert not kept(offset_s=-100.0).any()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_stretched_upload_keeps_its_pitch(client, piece, make_wav, make_sine) -> None:
    url = f"/v1/compositions/{piece}/tracks/bass"
    take = client.put(url, content=make_wav(make_sine(3.0)), params={"stretch": 1.25}).json()
    heard = soundfile.read(io.BytesIO(client.get(f"/v1/takes/{take['id']}/audio").content))[0][:, 0]
    sounding = np.flatnonzero(np.abs(heard) > 0.02)
    assert sounding[-1] / RATE == pytest.approx(3.75, abs=0.05)

    def pitch(audio: np.ndarray) -> int:
        return int(np.abs(np.fft.rfft(audio[RATE // 2 : RATE // 2 + RATE])).argmax())

    assert pitch(heard) == pytest.approx(pitch(make_sine(3.0)[:, 0]), abs=1)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("seconds", [0.001, 0.5, 2.1])
def test_less_than_a_bar_has_no_beat(client, piece, make_wav, seconds: float) -> None:
    short = make_wav(drum_loop(60.0, 0.0, 20.0)[: max(1, round(seconds * RATE))])
    answer = client.post(f"/v1/compositions/{piece}/tracks/drums/alignment", content=short)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_silence_has_no_beat_and_bad_wishes_are_refused(client, piece, make_wav) -> None:
    url = f"/v1/compositions/{piece}/tracks/bass"
    silence = make_wav(np.zeros((8 * RATE, 2), np.float32))
    offer = client.post(f"{url}/alignment", content=silence).json()
    assert (offer["heard_bpm"], offer["stretch"]) == (None, 1.0)
    for params in ({"stretch": 3}, {"stretch": "nan"}, {"offset_s": 1e9}):
        assert client.put(url, content=silence, params=params).status_code == 422
    assert client.post(f"{url}/alignment", content=b"no audio").status_code == 422
    tuba = f"/v1/compositions/{piece}/tracks/tuba/alignment"
    assert client.post(tuba, content=silence).json()["code"] == "unknown_track"

import numpy as np
import pytest
import torch
from known_sounds import RATE_HZ, clicks, stereo

from stemwright.metrics.feature import Feature
from stemwright.metrics.rhythm import Rhythm

TIMES_S = (0.5, 0.8, 1.33, 2.0, 2.07, 3.4)
heard = Rhythm().extract


def test_it_is_a_feature() -> None:
    feature: Feature = Rhythm()
    assert feature.name == "rhythm"
    assert feature.sample_rate_hz == RATE_HZ


def test_every_click_is_an_onset_at_its_time_and_nothing_else_is() -> None:
    onsets = heard(clicks(TIMES_S, 4))["onsets_s"]
    assert np.allclose(onsets, TIMES_S, atol=0.021)


def test_low_strokes_are_heard_under_a_held_chord() -> None:
    time = np.arange(4 * RATE_HZ) / RATE_HZ
    held = sum(0.1 * np.sin(2 * np.pi * pitch * time) for pitch in (440, 554, 659))
    kicks = np.zeros(len(time))
    stroke = np.arange(RATE_HZ // 5) / RATE_HZ
    for start_s in (1.0, 2.0, 3.0):
        start = round(start_s * RATE_HZ)
        kicks[start : start + len(stroke)] = 0.5 * np.sin(2 * np.pi * 55 * stroke) * np.exp(-stroke / 0.05)
    onsets = heard(stereo(held + kicks))["onsets_s"]
    assert all(np.abs(onsets - start_s).min() < 0.03 for start_s in (1.0, 2.0, 3.0))


def test_gain_does_not_matter() -> None:
    audio = clicks(TIMES_S, 4)
    assert np.allclose(heard(audio)["strength"], heard(0.05 * audio)["strength"], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("size", [1, 100, 2_047, 48_001])
@pytest.mark.parametrize("level", [0.0, 1e-6])
def test_silence_of_any_length_has_no_onset_and_no_tempo(size: int, level: float) -> None:
    found = heard(torch.full((2, size), level))
    assert found["strength"].shape == (max(1, -(-size // 480)),)
    assert not found["strength"].any()
    assert len(found["onsets_s"]) == 0
    assert found["tempo_bpm"].tolist() == [0]
    assert all(array.dtype == np.float32 for array in found.values())


def test_a_long_signal_is_heard_as_its_parts_are() -> None:
    audio = clicks(np.arange(0.25, 16, 0.5).tolist(), 16)
    whole, part = heard(audio)["strength"], heard(audio[:, : 8 * RATE_HZ])["strength"]
    assert np.allclose(whole[10:780], part[10:780], rtol=0.1, atol=0.1)
    assert heard(audio)["tempo_bpm"] == pytest.approx(120, rel=0.02)


def test_the_ends_of_an_excerpt_are_no_onsets() -> None:
    time = np.arange(2 * RATE_HZ) / RATE_HZ
    held = heard(stereo(0.3 * np.cos(2 * np.pi * 110 * time)))
    assert len(held["onsets_s"]) == 0
    assert held["strength"].max() < 0.1


def test_a_start_out_of_digital_silence_does_not_hide_the_strokes_after_it() -> None:
    held = 0.2 * torch.randn(2, 4 * RATE_HZ, generator=torch.Generator().manual_seed(1))
    held[:, : RATE_HZ // 2] = 0
    struck = heard(held * 0.2 + clicks(TIMES_S[2:], 4))["onsets_s"]
    assert all(np.abs(struck - time_s).min() < 0.03 for time_s in (0.5, *TIMES_S[2:]))

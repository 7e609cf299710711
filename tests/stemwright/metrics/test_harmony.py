import math

import numpy as np
import pytest
import torch
from known_sounds import RATE_HZ, chords, clicks

from stemwright.metrics.harmony import Harmony

heard = Harmony().extract


@pytest.mark.parametrize("pitch", [28, 33, 40, 52, 69, 84, 95])
def test_a_tone_is_its_pitch_class_from_a_bass_to_a_lead(pitch: int) -> None:
    chroma = heard(chords([[pitch]], 2, harmonics=2))["chroma"][:, 4:-4]
    assert (chroma.argmax(axis=0) == pitch % 12).all()
    assert chroma[pitch % 12].min() > 0.9


def test_an_instrument_a_third_of_a_semitone_out_of_tune_keeps_its_pitch_classes() -> None:
    time = np.arange(2 * RATE_HZ) / RATE_HZ
    for cents in (-33, 33):
        tone = 0.2 * np.sin(2 * np.pi * 220 * 2 ** (cents / 1200) * time)
        audio = torch.from_numpy(tone.astype(np.float32)).expand(2, -1)
        assert (heard(audio)["chroma"][:, 4:-4].argmax(axis=0) == 9).all()


def test_chords_change_when_they_change() -> None:
    chroma = heard(chords([[48, 52, 55], [53, 57, 60]], 2))["chroma"]
    assert chroma.shape == (12, 40)
    assert (chroma[4, 5:17] > 0.3).all()
    assert (chroma[4, 23:35] < 0.1).all()
    assert (chroma[5, 5:17] < 0.1).all()
    assert (chroma[5, 23:35] > 0.3).all()


def test_frames_have_length_one_where_something_sounds_and_zero_where_not() -> None:
    audio = torch.cat([chords([[60]], 2), torch.zeros(2, 2 * RATE_HZ)], dim=1)
    found = heard(audio)
    size = np.linalg.norm(found["chroma"], axis=0)
    assert np.allclose(size[1:19], 1, atol=1e-5)
    assert not size[23:].any()
    assert (found["level"][1:19] > 0.05).all()


@pytest.mark.parametrize("size", [1, 7, 4_799, 48_000])
def test_silence_of_any_length_has_no_pitch(size: int) -> None:
    found = heard(torch.zeros(2, size))
    assert found["chroma"].shape == (12, math.ceil(math.ceil(size / 8) / 600))
    assert not found["chroma"].any()
    assert not found["level"].any()
    assert all(array.dtype == np.float32 for array in found.values())


def test_gain_does_not_matter_to_pitch_classes() -> None:
    audio = chords([[48, 52, 55]], 2) + clicks([0.5, 1.5], 2)
    assert np.allclose(heard(audio)["chroma"], heard(0.2 * audio)["chroma"], atol=1e-4)

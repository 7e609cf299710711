import math

import numpy as np
import pytest
import torch

from stemwright.metrics.soundness import STRETCH_S, Soundness

RATE = 48_000


def notes(seconds: float = 3.0) -> torch.Tensor:
    """Plucked tones twice a second, other in each channel."""
    time = torch.arange(round(seconds * RATE)) / RATE
    since = time % 0.5
    envelope = torch.exp(-6 * since) * (1 - torch.exp(-since * 800))
    tone = envelope * torch.sin(2 * math.pi * 330 * time)
    return 0.4 * torch.stack([tone, 0.5 * tone.roll(31)])


def heard(audio: torch.Tensor) -> dict[str, np.ndarray]:
    found = Soundness().extract(audio)
    assert all(array.dtype == np.float32 for array in found.values())
    return found


def test_music_without_faults_has_no_click() -> None:
    assert not len(heard(notes())["clicks_s"])
    generator = torch.Generator().manual_seed(3)
    assert not len(heard(0.2 * torch.randn(2, RATE, generator=generator))["clicks_s"])
    assert not len(heard(torch.zeros(2, RATE))["clicks_s"])


@pytest.mark.parametrize("channels", [[0], [1], [0, 1]])
def test_a_single_sample_that_stands_out_is_a_click_where_it_is(channels: list[int]) -> None:
    audio = notes()
    places = [RATE // 3, RATE, 2 * RATE + 777]
    for place in places:
        audio[channels, place] += 0.08
    found = heard(audio)["clicks_s"]
    assert found.tolist() == pytest.approx([place / RATE for place in places], abs=1e-3)


def test_a_jump_from_one_place_of_the_music_to_another_is_a_click() -> None:
    audio = notes()
    audio[:, RATE:] = audio[:, RATE + 4_321 :].repeat(1, 2)[:, : audio.shape[1] - RATE] + 0.05
    assert any(abs(moment - 1.0) < 1e-3 for moment in heard(audio)["clicks_s"].tolist())


def test_the_edges_of_a_saw_wave_are_no_clicks() -> None:
    time = torch.arange(2 * RATE) / RATE
    saw = 0.3 * (time * 55 % 1 - 0.5)
    assert not len(heard(saw.expand(2, -1))["clicks_s"])


def test_gain_moves_levels_and_leaves_the_clicks() -> None:
    audio = notes()
    audio[:, RATE] += 0.1
    loud, soft = heard(audio), heard(audio / 4)
    assert loud["clicks_s"].tolist() == soft["clicks_s"].tolist() != []
    assert (loud["levels_db"] - soft["levels_db"])[:5] == pytest.approx([12.04] * 5, abs=0.01)
    assert float(loud["peak"][0]) == pytest.approx(4 * float(soft["peak"][0]))


def test_stretches_and_ends_have_the_levels_of_what_lies_there() -> None:
    audio = torch.full((2, RATE), 0.1)
    audio[:, RATE // 2 :] = 0
    found = heard(audio)
    stretches = round(0.5 / STRETCH_S)
    assert len(found["levels_db"]) == 2 * stretches
    assert found["levels_db"][: stretches - 1] == pytest.approx([-20.0] * (stretches - 1), abs=0.01)
    assert found["levels_db"][-1] == -120
    assert found["edges"].tolist() == pytest.approx([0.1, 0.0])
    assert found["edges_db"].tolist() == pytest.approx([-20.0, -120.0], abs=0.01)


def test_a_sound_shorter_than_a_stretch_has_one() -> None:
    found = heard(torch.full((2, 100), 0.5))
    assert len(found["levels_db"]) == 1
    assert not len(found["clicks_s"])

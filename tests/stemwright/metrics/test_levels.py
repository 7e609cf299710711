import numpy as np
import pytest
import torch

from stemwright.metrics.levels import FLOOR_DB, Levels, level_scores


def heard(audio: torch.Tensor) -> dict[str, float]:
    found = Levels().extract(audio)
    assert all(array.dtype == np.float32 for array in found.values())
    return {name: float(array[0]) for name, array in found.items()} | level_scores(found)


def sine(amplitude: float, seconds: float = 1.0) -> torch.Tensor:
    time = torch.arange(round(48_000 * seconds)) / 48_000
    return (amplitude * torch.sin(2 * torch.pi * 441 * time)).expand(2, -1)


def test_levels_of_a_sine_are_known() -> None:
    found = heard(sine(0.5))
    assert found["peak_db"] == pytest.approx(-6.02, abs=0.01)
    assert found["rms_db"] == pytest.approx(-9.03, abs=0.01)
    assert found["dc"] == pytest.approx(0, abs=1e-3)
    assert found["silence_rate"] == found["silent_share"] == found["clipping_rate"] == 0


def test_a_sine_that_is_cut_off_is_clipped_and_one_at_full_scale_is_not() -> None:
    assert heard(sine(1.0).clamp(-0.95, 0.95))["clipping_rate"] == 0
    cut = heard(sine(2.0).clamp(-1, 1))
    assert cut["clipping_rate"] == 1
    assert 0.6 < cut["clipped_share"] < 0.7
    beyond = heard(sine(1.5))
    assert beyond["clipping_rate"] == 1


def test_single_samples_at_full_scale_are_no_clipping() -> None:
    audio = sine(0.1).clone()
    audio[:, ::50] = 1
    audio[:, 1::50] = 1
    assert heard(audio)["clipped_share"] == 0


def test_a_jump_between_full_scales_of_both_signs_is_two_runs() -> None:
    audio = torch.zeros(2, 48_000)
    audio[:, 100:102], audio[:, 102:104] = 1, -1
    assert heard(audio)["clipped_share"] == 0


@pytest.mark.parametrize("size", [1, 10, 4_801])
def test_silence_is_silent_and_has_the_floor(size: int) -> None:
    found = heard(torch.zeros(2, size))
    assert found["rms_db"] == found["peak_db"] == FLOOR_DB
    assert found["silence_rate"] == found["silent_share"] == 1
    assert found["dc"] == found["edge_click"] == found["clipped_share"] == 0


def test_the_silent_share_is_that_of_time() -> None:
    audio = torch.cat([sine(0.3, 3.0), torch.zeros(2, 48_000)], dim=1)
    assert heard(audio)["silent_share"] == pytest.approx(0.25, abs=0.01)
    assert heard(audio)["silence_rate"] == 0


def test_an_offset_and_a_cut_end_are_seen() -> None:
    audio = sine(0.1).clone() + 0.2
    found = heard(audio)
    assert found["dc"] == pytest.approx(0.2, abs=0.01)
    assert found["edge_click"] > 0.15

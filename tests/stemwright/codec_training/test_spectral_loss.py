import math

import pytest
import torch
from torch import Tensor

from stemwright.codec_training.spectral_loss import (
    PITCHES,
    WINDOWS,
    PitchReadout,
    energy_distance,
    heard_from_one_side,
    mel_amplitudes,
    mel_distance,
    pitch_levels,
)
from stemwright.conv_codec_net import HOP


def tone(pitch_hz: float, num_samples: int = 24 * HOP) -> Tensor:
    """`[1, n]` at amplitude 0.1."""
    return 0.1 * torch.sin(2 * math.pi * pitch_hz * torch.arange(num_samples) / 48_000)[None]


def noise(num_samples: int = 24 * HOP) -> Tensor:
    return 0.1 * torch.randn(1, num_samples, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("window", WINDOWS)
def test_equal_sounds_are_at_no_distance_and_ten_decibels_are_half_a_bel_of_amplitude(window: int) -> None:
    loud, quiet = (mel_amplitudes(noise() * gain, window) for gain in (1.0, 10 ** (-10 / 20)))
    assert float(mel_distance(loud, loud)) == float(energy_distance(loud, loud, window)) == 0
    assert float(mel_distance(loud, quiet)) == pytest.approx(0.5, abs=0.01)
    assert float(energy_distance(loud, quiet, window)) == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("window", WINDOWS)
def test_energy_is_blind_to_when_within_its_span_and_sees_what_is_missing(window: int) -> None:
    stroke = torch.zeros(1, 64 * HOP)
    stroke[:, 24 * HOP : 25 * HOP] = noise(HOP)
    late = stroke.roll(4 * HOP, dims=1)
    early, late, nothing = (mel_amplitudes(x, window) for x in (stroke, late, torch.zeros_like(stroke)))
    assert float(mel_distance(early, late)) > 5 * float(energy_distance(early, late, window))
    assert float(energy_distance(early, nothing, window)) > 10 * float(energy_distance(early, late, window))


def test_silence_has_the_floor_and_a_gradient_that_is_finite() -> None:
    made = torch.zeros(1, 8 * HOP, requires_grad=True)
    amplitudes = mel_amplitudes(made, 512), mel_amplitudes(noise(8 * HOP), 512)
    (mel_distance(*amplitudes) + energy_distance(*amplitudes, 512)).backward()
    assert made.grad is not None
    assert bool(made.grad.isfinite().all())
    floor = torch.full_like(amplitudes[0], 1e-5)
    assert float(mel_distance(mel_amplitudes(torch.zeros(1, 8 * HOP), 512), floor)) == 0


def test_angles_give_left_right_mid_and_side() -> None:
    stereo = torch.randn(4, 2, 100, generator=torch.Generator().manual_seed(1))
    heard = heard_from_one_side(stereo, torch.tensor([0, math.pi / 2, math.pi / 4, 3 * math.pi / 4]))
    left, right = stereo.unbind(1)
    true = [left[0], right[1], (left[2] + right[2]) / 2**0.5, (right[3] - left[3]) / 2**0.5]
    torch.testing.assert_close(heard, torch.stack(true))


@pytest.mark.parametrize("midi", [45, 57, 69, 81, 100])
def test_a_tone_is_loudest_at_its_own_semitone(midi: int) -> None:
    levels = pitch_levels(tone(440 * 2 ** ((midi - 69) / 12)))
    assert levels.shape == (1, 24, len(PITCHES))
    assert int(levels[0, 12].argmax()) == PITCHES.index(midi)


def test_the_readout_is_asked_for_the_levels_that_sound() -> None:
    readout = PitchReadout(4)
    torch.nn.init.zeros_(readout.linear.weight)
    torch.nn.init.zeros_(readout.linear.bias)
    audio = tone(220.0)
    assert float(readout(torch.zeros(1, 24, 4), audio).detach()) == pytest.approx(
        float(pitch_levels(audio).abs().mean())
    )

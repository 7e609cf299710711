import math

import pytest
import torch
from torch import Tensor

from stemwright.tones import (
    HOP,
    LOWEST_HZ,
    NUM_VOICES,
    SAMPLE_RATE_HZ,
    amplitudes,
    heard_voices,
    levelled,
    sung,
    voice_hz,
)


def sine(hz: float, halves: int = 60, amplitude: float = 0.1, side: float = 0.0) -> Tensor:
    """Mid and side `[1, 2, n]`."""
    t = torch.arange(halves * HOP, dtype=torch.float64) / SAMPLE_RATE_HZ
    wave = (amplitude * torch.sin(2 * math.pi * hz * t)).float()
    return torch.stack([wave, side * wave])[None]


def loudest_hz(audio: Tensor) -> float:
    """Frequency of a mono signal's strongest tone, between bins by its neighbours."""
    size = 1 << 16
    level = torch.fft.rfft(audio[:size] * torch.hann_window(len(audio[:size])), size).abs().log()
    k = int(level.argmax())
    a, b, c = level[k - 1 : k + 2].tolist()
    return (k + 0.5 * (a - c) / (a - 2 * b + c)) * SAMPLE_RATE_HZ / size


@pytest.mark.parametrize("semitones", [0.0, 7.3, 24.0, 31.45, 50.2, 70.0, 84.0])
def test_a_tone_is_one_voice_of_its_level_pitch_and_place(semitones: float) -> None:
    hz = LOWEST_HZ * 2 ** (semitones / 12)
    voices = heard_voices(sine(hz, amplitude=0.2, side=0.5))[0, 20:40]
    level, offset, place = voices.unbind(1)
    own = round(semitones)
    torch.testing.assert_close(amplitudes(level[:, own]), torch.full((20,), 0.2), atol=0.01, rtol=0)
    assert (offset[:, own] - (semitones - own)).abs().max() < 0.05
    assert (place[:, own] - 0.5).abs().max() < 0.02
    others = amplitudes(level).clone()
    others[:, own] = 0
    assert others.max() < 0.01


@pytest.mark.parametrize("semitones", [3.2, 14.0, 30.4, 55.0, 80.3])
def test_what_is_heard_is_sung_at_its_pitch_and_level(semitones: float) -> None:
    hz = LOWEST_HZ * 2 ** (semitones / 12)
    made = sung(heard_voices(sine(hz, halves=160, side=-0.3)))[0]
    inner = made[:, 20 * HOP : -20 * HOP]
    assert 1200 * abs(math.log2(loudest_hz(inner[0]) / hz)) < 8
    assert inner[0].square().mean().sqrt() == pytest.approx(0.1 / math.sqrt(2), rel=0.05)
    torch.testing.assert_close(inner[1], -0.3 * inner[0], atol=5e-3, rtol=0)


def test_a_glide_is_followed() -> None:
    halves = 200
    t = torch.arange(halves * HOP, dtype=torch.float64) / SAMPLE_RATE_HZ
    seconds = float(t[-1])
    phase = 110 * seconds / math.log(2) * (2 ** (t / seconds) - 1)  # an octave up, evenly
    audio = torch.stack([0.1 * torch.sin(2 * math.pi * phase).float(), torch.zeros(len(t))])[None]
    level, offset, _ = heard_voices(audio)[0].unbind(1)
    voice = level.argmax(-1)
    heard = voice + offset.gather(-1, voice[:, None])[:, 0]
    middle = (torch.arange(halves) + 0.5) * HOP / SAMPLE_RATE_HZ
    true = 12 * torch.log2(110 * 2 ** (middle / seconds) / LOWEST_HZ)
    assert (heard - true)[10:-10].abs().max() < 0.1


def test_silence_is_no_voice_and_no_voice_is_silence() -> None:
    voices = heard_voices(torch.zeros(1, 2, 10 * HOP))
    assert amplitudes(voices[:, :, 0]).max() < 1e-9
    assert sung(torch.zeros(1, 10, 3, NUM_VOICES)).abs().max() == 0


def test_levels_and_amplitudes_undo_each_other() -> None:
    amplitude = torch.logspace(-5, 0, 50)
    torch.testing.assert_close(amplitudes(levelled(amplitude)), amplitude)


@pytest.mark.parametrize("halves", [1, 2, 15, 16, 17, 33])
def test_any_number_of_half_frames_is_sung_to_the_sample_and_without_steps(halves: int) -> None:
    voices = torch.zeros(1, halves, 3, NUM_VOICES)
    voices[:, :, 0, 40] = levelled(torch.tensor(0.1))
    made = sung(voices)[0, 0]
    assert made.shape == (halves * HOP,)
    steepest = 0.1 * 2 * math.pi * float(voice_hz()[40]) / SAMPLE_RATE_HZ
    assert made.diff().abs().max() < 1.01 * steepest


def test_a_row_s_voices_do_not_hear_the_others() -> None:
    generator = torch.Generator().manual_seed(0)
    audio = 0.1 * torch.randn(3, 2, 20 * HOP, generator=generator)
    together = heard_voices(audio)
    made = sung(together)
    for row in range(3):
        torch.testing.assert_close(heard_voices(audio[row : row + 1])[0], together[row])
        torch.testing.assert_close(sung(together[row : row + 1])[0], made[row])

import math

import numpy as np
import pyloudnorm
import pytest
import torch

from stemwright.loudness import MAX_GAIN_DB, LoudnessMeter, integrated_lufs, match_loudness


def sine(duration_s: float, level_db: float, rate: int = 48_000) -> torch.Tensor:
    t = torch.arange(round(duration_s * rate), dtype=torch.float64) / rate
    wave = torch.sin(2 * math.pi * 997 * t) * 10 ** (level_db / 20)
    return torch.stack([wave, wave]).float()


@pytest.mark.parametrize("level_db", [-6.0, -23.0, -40.0])
def test_a_stereo_sine_of_997_hz_reads_its_peak_level(level_db: float) -> None:
    assert integrated_lufs(sine(5.0, level_db), 48_000) == pytest.approx(level_db, abs=0.1)


@pytest.mark.parametrize("rate", [8_000, 11_025, 44_100, 48_000, 192_000])
@pytest.mark.parametrize("duration_s", [0.4, 3.27, 25.03])
def test_it_agrees_with_pyloudnorm(rate: int, duration_s: float) -> None:
    generator = np.random.default_rng(0)
    num_samples = int(duration_s * rate)
    envelope = 0.02 + np.abs(np.sin(np.arange(num_samples) / rate * 2))
    audio = generator.normal(size=(2, num_samples)) * 0.1 * envelope
    expected = pyloudnorm.Meter(rate).integrated_loudness(audio.T)
    assert integrated_lufs(torch.from_numpy(audio), rate) == pytest.approx(expected, abs=0.02)


def test_pauses_do_not_count() -> None:
    loud = sine(4.0, -20.0)
    with_pause = torch.cat([loud, torch.zeros(2, 48_000 * 20)], dim=1)
    assert integrated_lufs(with_pause, 48_000) == pytest.approx(integrated_lufs(loud, 48_000), abs=0.4)


@pytest.mark.parametrize("duration_s", [0.02, 0.1, 0.39, 0.41])
def test_short_clips_read_as_long_ones(duration_s: float) -> None:
    assert integrated_lufs(sine(duration_s, -23.0), 48_000) == pytest.approx(-23.0, abs=0.3)


@pytest.mark.parametrize("num_samples", [0, 1, 48, 48_000])
def test_silence_is_minus_infinity_and_stays_silent(num_samples: int) -> None:
    silence = torch.zeros(2, num_samples)
    assert integrated_lufs(silence, 48_000) == -math.inf
    matched, gain_db = match_loudness(silence, 48_000)
    assert gain_db == 0.0
    assert torch.equal(matched, silence)


@pytest.mark.parametrize("level_db", [-3.0, -31.0, -50.0])
def test_matching_reaches_the_target_by_the_gain_it_tells(level_db: float) -> None:
    audio = sine(2.0, level_db)
    matched, gain_db = match_loudness(audio, 48_000, -23.0)
    assert integrated_lufs(matched, 48_000) == pytest.approx(-23.0, abs=0.01)
    torch.testing.assert_close(matched, audio * 10 ** (gain_db / 20))


def test_near_silence_is_raised_by_the_limit_at_most() -> None:
    matched, gain_db = match_loudness(sine(2.0, -68.0), 48_000)
    assert gain_db == MAX_GAIN_DB
    assert integrated_lufs(matched, 48_000) == pytest.approx(-28.0, abs=0.1)
    assert match_loudness(sine(2.0, -90.0), 48_000)[1] == 0.0


def test_samples_that_are_not_finite_never_become_a_loudness() -> None:
    audio = sine(1.0, -20.0)
    audio[0, 5] = math.nan
    with pytest.raises(ValueError, match="not finite"):
        integrated_lufs(audio, 48_000)


@pytest.mark.parametrize("rate_hz", [48000, 44100, 11025])
def test_chunks_of_any_size_are_as_loud_as_the_whole(rate_hz: int) -> None:
    rng = np.random.default_rng(0)
    audio = 0.1 * rng.standard_normal((2, 7 * rate_hz + 123)).astype(np.float32)
    audio[:, : 2 * rate_hz] *= 0.01
    whole, meter = LoudnessMeter(rate_hz, 2), LoudnessMeter(rate_hz, 2)
    whole.add(audio)
    start = 0
    while start < audio.shape[1]:
        size = int(rng.integers(0, 9000))
        meter.add(audio[:, start : start + size])
        start += size
    assert meter.lufs() == pytest.approx(whole.lufs(), abs=1e-6)

import secrets
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from stemwright.loudness import integrated_lufs
from stemwright_platform.evaluation.listening_test.clip_audio import (
    HIGHEST_PEAK,
    LOUDNESS_LUFS,
    SAMPLE_RATE_HZ,
    compressed,
    level_pair,
    read_pair,
    spoilt,
    unveiled,
    veiled,
    veiled_size,
)


def noise(seconds: float, gain: float, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return gain * torch.randn(2, round(seconds * SAMPLE_RATE_HZ), generator=generator)


def test_both_clips_are_cut_to_the_shorter_and_to_the_longest_allowed(
    make_system: Callable[..., Path],
) -> None:
    long, short = make_system("long", 1, seconds=1.0), make_system("short", 1, seconds=0.6)
    first, second = read_pair(long / "0000.flac", short / "0000.flac", longest_s=5)
    assert first.shape == second.shape == (2, round(0.6 * SAMPLE_RATE_HZ))
    first, _ = read_pair(long / "0000.flac", short / "0000.flac", longest_s=0.25)
    assert first.shape[1] == SAMPLE_RATE_HZ // 4


@pytest.mark.parametrize("gain", [0.001, 0.2])
def test_both_clips_are_equally_loud_whatever_they_were(gain: float) -> None:
    first, second = level_pair(noise(1, 0.05), noise(1, gain, seed=1))
    loudness = [integrated_lufs(clip, SAMPLE_RATE_HZ) for clip in (first, second)]
    assert loudness[0] == pytest.approx(LOUDNESS_LUFS, abs=0.2)
    assert loudness[1] == pytest.approx(loudness[0], abs=0.1)


def test_a_peaked_clip_brings_both_down_and_neither_clips() -> None:
    peaked = noise(1, 0.01)
    peaked[:, 3000::6000] = 1.0
    first, second = level_pair(peaked, noise(1, 0.1))
    assert max(float(first.abs().max()), float(second.abs().max())) <= HIGHEST_PEAK + 1e-6
    loudness = [integrated_lufs(clip, SAMPLE_RATE_HZ) for clip in (first, second)]
    assert loudness[0] == pytest.approx(loudness[1], abs=0.1)
    assert loudness[0] < LOUDNESS_LUFS - 3


def test_silence_stays_silence_beside_a_sound() -> None:
    first, second = level_pair(torch.zeros(2, 48_000), noise(1, 0.1))
    assert not first.any()
    assert integrated_lufs(second, SAMPLE_RATE_HZ) == pytest.approx(LOUDNESS_LUFS, abs=0.2)


def test_the_spoilt_copy_is_dull_and_has_gaps() -> None:
    clip = noise(2, 0.1)
    worse = spoilt(clip)
    assert worse.shape == clip.shape
    bright = [float(np.abs(np.fft.rfft(sound[0].numpy()))[20_000:].mean()) for sound in (clip, worse)]
    assert bright[1] < bright[0] / 3
    assert float((worse == 0).float().mean()) == pytest.approx(0.25, abs=0.01)


def test_a_compressed_clip_sounds_as_before_and_its_size_tells_nothing() -> None:
    time_s = torch.arange(SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    tone = 0.3 * torch.sin(2 * torch.pi * 440 * time_s).expand(2, -1)
    data = compressed(tone)
    decoded, rate = soundfile.read(BytesIO(data))
    assert rate == SAMPLE_RATE_HZ
    middle = decoded[10_000:40_000, 0]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(middle.size)))
    assert spectrum.argmax() * rate / middle.size == pytest.approx(440, abs=3)
    assert len(compressed(noise(1, 0.2))) == len(compressed(torch.zeros(2, SAMPLE_RATE_HZ))) == len(data)


def test_veiled_clips_are_equally_long_come_back_whole_and_never_look_alike() -> None:
    clips = [b"a short one", b"one that is longer by far", b"a short one"]
    size = veiled_size(clips)
    texts = [veiled(clip, size, secrets.token_bytes(16 + size)) for clip in clips]
    assert [unveiled(text) for text in texts] == clips
    assert len({len(text) for text in texts}) == 1
    assert len(set(texts)) == 3


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="fit"):
        veiled(b"12345", 8, secrets.token_bytes(64))
    with pytest.raises(ValueError, match="noise"):
        veiled(b"1", 8, secrets.token_bytes(8))

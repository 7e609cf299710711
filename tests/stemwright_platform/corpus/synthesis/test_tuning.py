"""The sampler's tuning against a sound font whose pitch is known exactly."""

from pathlib import Path

import numpy as np
import pytest
from written_sound_font import (
    COARSE_TUNING,
    CUTOFF,
    FINE_TUNING,
    ROOT_KEY,
    SAMPLE_MODES,
    SCALE_TUNING,
    write_sound_font,
)

from stemwright_platform.corpus.synthesis.sound_font import SAMPLE_RATE_HZ, SoundFont

RATE_HZ = 22050
ROOT = 69
PERIOD = 50
"""Samples: the recording sounds at 441 Hz."""
OFF_CENTS = 1200 * np.log2(441 / 440)


def font(path: Path, loop_end: int = 20 * PERIOD, correction: int = 0, **generators: int) -> SoundFont:
    """A sine of 20 periods that loops over its last one, or ends with it."""
    numbers = {"fine": FINE_TUNING, "coarse": COARSE_TUNING, "scale": SCALE_TUNING, "cutoff": CUTOFF}
    tone = 0.5 * np.sin(2 * np.pi * np.arange(20 * PERIOD) / PERIOD)
    return SoundFont(
        write_sound_font(
            path / "one.sf2",
            tone,
            rate_hz=RATE_HZ,
            root=ROOT,
            loop=(loop_end - PERIOD, loop_end),
            generators={SAMPLE_MODES: 1, ROOT_KEY: -1}
            | {numbers[name]: value for name, value in generators.items()},
            correction_cents=correction,
        )
    )


def cents(sound: np.ndarray, expected_hz: float) -> float:
    """How far the strongest partial is from where it should be."""
    mono = sound.mean(axis=0)[2400:-2400]
    spectrum = np.abs(np.fft.rfft(mono * np.hanning(len(mono)), 1 << 21))
    return float(1200 * np.log2(spectrum.argmax() * SAMPLE_RATE_HZ / (1 << 21) / expected_hz))


def hz(pitch: float) -> float:
    return 440 * 2 ** ((pitch - ROOT) / 12)


@pytest.mark.parametrize("pitch", [45, 57, 62, 69, 75, 81, 96])
@pytest.mark.parametrize("loop_end", [20 * PERIOD, 19 * PERIOD])
def test_a_loop_sounds_at_its_pitch_wherever_it_ends(tmp_path: Path, pitch: int, loop_end: int) -> None:
    sound = font(tmp_path, loop_end).note(0, False, pitch, 100, 1.5)
    assert cents(sound, hz(pitch)) == pytest.approx(OFF_CENTS, abs=0.5)


def test_fine_coarse_and_the_recordings_own_correction_add_up(tmp_path: Path) -> None:
    sound = font(tmp_path, fine=-30, coarse=2, correction=-4).note(0, False, 69, 100, 1.5)
    assert cents(sound, hz(71)) == pytest.approx(OFF_CENTS - 34, abs=0.5)


def test_scale_tuning_narrows_the_steps_between_keys(tmp_path: Path) -> None:
    sound = font(tmp_path, scale=50).note(0, False, 81, 100, 1.5)
    assert cents(sound, hz(75)) == pytest.approx(OFF_CENTS, abs=0.5)


def test_a_loop_is_as_clean_as_the_recording(tmp_path: Path) -> None:
    for settings in ({}, {"cutoff": 8000}):
        sound = font(tmp_path, **settings).note(0, False, 64, 100, 2.0).mean(axis=0)[4800:91200]
        spectrum = np.abs(np.fft.rfft(sound * np.blackman(len(sound)))) ** 2
        peak = int(spectrum.argmax())
        rest = spectrum.sum() - spectrum[peak - 6 : peak + 7].sum()
        assert 10 * np.log10(rest / spectrum.sum()) < -60


def test_what_is_played_too_high_for_the_rate_is_filtered_not_folded_back(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    noise = 0.2 * rng.standard_normal(20 * PERIOD)
    path = write_sound_font(
        tmp_path / "noise.sf2",
        noise,
        rate_hz=48000,
        root=ROOT,
        loop=(0, 20 * PERIOD),
        generators={SAMPLE_MODES: 1, ROOT_KEY: -1},
    )
    loud, high = (SoundFont(path).note(0, False, pitch, 100, 1.0).std() for pitch in (69, 93))
    assert 10 * np.log10(high**2 / loud**2) < -3


def test_a_bend_is_as_exact_as_a_key(tmp_path: Path) -> None:
    one = font(tmp_path)
    assert cents(one.note(0, False, 69, 100, 1.5, 250), hz(71.5)) == pytest.approx(OFF_CENTS, abs=0.5)
    moving = one.bent_note(0, False, 69, 100, 1.5, np.full(1000, -700.0))
    assert cents(moving, hz(62)) == pytest.approx(OFF_CENTS, abs=0.5)


def test_a_short_note_of_a_slow_attack_does_not_rise_after_its_end(tmp_path: Path) -> None:
    attack, release = 34, 38
    path = write_sound_font(
        tmp_path / "slow.sf2",
        0.5 * np.sin(2 * np.pi * np.arange(20 * PERIOD) / PERIOD),
        rate_hz=RATE_HZ,
        root=ROOT,
        loop=(19 * PERIOD, 20 * PERIOD),
        generators={SAMPLE_MODES: 1, ROOT_KEY: -1, attack: 1200, release: 0},
    )
    sound = np.abs(SoundFont(path).note(0, False, 69, 100, 0.4))
    assert sound[:, : round(0.4 * SAMPLE_RATE_HZ)].max() >= sound[:, round(0.41 * SAMPLE_RATE_HZ) :].max()
    assert sound.max() < 0.25 * 0.5

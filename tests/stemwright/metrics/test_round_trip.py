import math

import pytest
import torch
from torch import Tensor

from stemwright.metrics.round_trip import OCTAVES_HZ, RoundTrip, _mel_filters, _powers, round_trip

SECONDS = 4


def notes(pitch_hz: float = 82.4, *, brightness: float = 0.5) -> Tensor:
    """`[2, n]`: a plucked note each half second, its partials up to 16 kHz, a little to the left."""
    t = torch.arange(48_000 * SECONDS) / 48_000
    wave = torch.zeros_like(t)
    for partial in range(1, int(16_000 / pitch_hz)):
        wave += brightness ** math.log2(partial) * torch.sin(2 * math.pi * pitch_hz * partial * t) / partial
    wave *= 0.1 * torch.exp(-4 * (t % 0.5)) * (1 - torch.exp(-200 * (t % 0.5)))
    return torch.stack([wave, 0.7 * wave])


def found(original: Tensor, copy: Tensor, *, pitched: bool = False) -> RoundTrip:
    figures = round_trip(original, copy, pitched=pitched)
    assert figures is not None
    return figures


def test_a_true_copy_has_no_fault() -> None:
    audio = notes()
    figures = found(audio, torch.nn.functional.pad(audio, (0, 500)), pitched=True)
    assert (figures.mel_db, figures.width_db, figures.onsets, figures.pitch) == (0, 0, 1, 1)
    assert all(gain == 0 for gain in figures.octaves_db if not math.isnan(gain))


def test_a_change_of_level_shows_as_itself() -> None:
    audio = notes(brightness=1.5)
    figures = found(audio, audio * 10 ** (-6 / 20))
    # what has sunk below the floor counts as being there
    assert 4 < figures.mel_db <= 6.001
    assert figures.width_db == pytest.approx(-6, abs=1e-3)
    assert all(gain == pytest.approx(-6, abs=0.2) for gain in figures.octaves_db[1:-1])


def test_a_lost_octave_shows_in_its_place_alone() -> None:
    audio = notes(brightness=1.0)
    spectrum = torch.fft.rfft(audio)
    hz = torch.arange(spectrum.shape[-1]) / SECONDS
    low, high = OCTAVES_HZ[6]
    spectrum[:, (hz >= low) & (hz < high)] *= 0.1
    gains = found(audio, torch.fft.irfft(spectrum, audio.shape[1])).octaves_db
    assert gains[6] == pytest.approx(-20, abs=1.5)
    assert all(abs(gain) < 1 for i, gain in enumerate(gains) if i != 6 and not math.isnan(gain))


def test_noise_where_there_was_none_is_an_error() -> None:
    audio = notes()
    hiss = 0.003 * torch.randn(audio.shape, generator=torch.Generator().manual_seed(0))
    figures = found(audio, audio + hiss)
    assert figures.mel_db > 5
    assert figures.octaves_db[7] > 10


def test_a_stem_made_narrow_shows() -> None:
    audio = notes()
    assert found(audio, audio.mean(0).expand(2, -1)).width_db < -20


def test_a_pitch_a_semitone_off_is_wrong_and_ten_cents_off_is_right() -> None:
    audio = notes()
    assert found(audio, notes(82.4 * 2 ** (1 / 12)), pitched=True).pitch < 0.05
    assert found(audio, notes(82.4 * 2 ** (0.1 / 12)), pitched=True).pitch > 0.95
    assert math.isnan(found(audio, audio).pitch)


def test_a_band_at_the_level_of_a_full_sine_reads_zero() -> None:
    t = torch.arange(48_000) / 48_000
    power = _powers(torch.sin(2 * math.pi * 1000 * t).expand(2, -1))
    middle = power[:, 20:-20]
    assert 10 * math.log10(float(middle[0].sum(1).mean())) == pytest.approx(0, abs=0.01)
    assert float((middle[0] @ _mel_filters()).sum(1).mean()) == pytest.approx(1, abs=0.01)
    assert float(middle[1].max()) < 1e-9


def test_onsets_that_are_late_or_lost_lower_the_agreement() -> None:
    audio = notes()
    assert found(audio, audio.roll(960, 1)).onsets > 0.9
    assert found(audio, audio.roll(9600, 1)).onsets < 0.3
    half = audio.clone()
    half[:, : half.shape[1] // 2] = 0
    assert 0.4 < found(audio, half).onsets < 0.8


def test_a_silent_stem_has_no_figures() -> None:
    assert round_trip(torch.zeros(2, 48_000), notes(), pitched=True) is None

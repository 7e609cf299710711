import base64
import io

import numpy as np
import pytest
import torch
from matplotlib.image import imread

from stemwright_platform.demo.pictures import COLUMNS, mel_levels, spectrogram_uri, wave_path

RATE = 48_000


def tone(hz: float, seconds: float = 2.0) -> torch.Tensor:
    time = torch.arange(round(seconds * RATE)) / RATE
    return 0.5 * torch.sin(2 * torch.pi * hz * time).expand(2, -1)


def heights(path: str) -> list[float]:
    return [float(point.split()[1]) for point in path.strip("MZ").split("L")]


def test_a_higher_tone_lies_higher_in_the_spectrogram():
    rows = [mel_levels(tone(hz), RATE).mean(1).argmax() for hz in (100, 400, 1600, 6400)]
    assert rows == sorted(rows)
    assert len(set(rows)) == 4


def test_sound_is_bright_where_it_sounds_and_dark_elsewhere():
    audio = tone(440)
    audio = torch.cat([audio, torch.zeros_like(audio)], 1)
    levels = mel_levels(audio, RATE).max(0)
    half = levels.shape[0] // 2
    assert levels[: half - 20].min() > levels[half + 20 :].max() + 60


@pytest.mark.parametrize("samples", [1, 50, RATE, 8 * RATE + 1])
def test_audio_of_any_length_has_a_picture_of_bounded_width(samples):
    levels = mel_levels(torch.randn(2, samples) * 0.1, RATE)
    assert 1 <= levels.shape[1] <= COLUMNS
    assert np.isfinite(levels).all()
    assert wave_path(torch.randn(2, samples)).startswith("M")


def test_the_picture_is_a_png_with_its_low_bands_below():
    levels = mel_levels(tone(100), RATE)
    uri = spectrogram_uri(levels, float(levels.max()), "#5f74f2")
    kind, data = uri.split(",", 1)
    image = imread(io.BytesIO(base64.b64decode(data)), format="png")
    assert kind == "data:image/png;base64"
    assert image.shape[:2] == levels.shape
    assert image[-15:, :, :3].mean() > image[:15, :, :3].mean()


def test_a_waveform_stays_within_its_box_and_grows_with_the_level():
    quiet, loud = heights(wave_path(tone(50) * 0.1)), heights(wave_path(tone(50) * 4))
    assert max(map(abs, loud)) <= 100
    assert max(map(abs, quiet)) < max(map(abs, loud))


def test_silence_is_a_thin_line():
    assert 0 < max(map(abs, heights(wave_path(torch.zeros(2, RATE))))) < 1

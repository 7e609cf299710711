import math
from pathlib import Path

import numpy as np
import torch
from matplotlib.image import imread

from stemwright_platform.spectrogram import (
    BANDS_PER_OCTAVE,
    LOWEST_HZ,
    draw_pair,
    draw_plain,
    levels_of,
)

RATE = 48_000


def tone(hz: float) -> torch.Tensor:
    time = torch.arange(RATE) / RATE
    return 0.5 * torch.sin(2 * math.pi * hz * time).expand(2, -1)


def test_a_tone_is_in_its_band_and_an_octave_is_twelve_bands() -> None:
    bands = [int(levels_of(tone(hz), RATE).mean(1).argmax()) for hz in (440.0, 880.0, 1760.0)]
    assert np.diff(bands).tolist() == [BANDS_PER_OCTAVE] * 2
    assert abs(LOWEST_HZ * 2 ** ((bands[0] + 0.5) / BANDS_PER_OCTAVE) - 440) < 30


def test_half_as_loud_is_six_decibels_less() -> None:
    loud, soft = levels_of(tone(440), RATE), levels_of(tone(440) / 2, RATE)
    assert math.isclose(float(loud.max() - soft.max()), 6.02, abs_tol=0.01)


def test_pictures_have_one_scale_silence_is_the_darkest(tmp_path: Path) -> None:
    made, silent = levels_of(tone(440), RATE), levels_of(torch.zeros(2, RATE), RATE)
    bright, dark = (imread(draw_plain(of, float(made.max()), tmp_path / "a.png")) for of in (made, silent))
    assert bright.shape[:2] == made.shape
    assert dark[..., :3].max() < 0.02 < bright[..., :3].max()
    pair = draw_pair(made, silent, float(made.max()), tmp_path / "pair.png", title="A", duration_s=1.0)
    assert imread(pair).shape[1] > 1000
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "pair.png"]

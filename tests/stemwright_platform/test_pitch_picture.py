import math
from pathlib import Path

import numpy as np
import torch
from matplotlib.image import imread

from stemwright.metrics.harmony import LOWEST_PITCH
from stemwright_platform.pitch_picture import (
    BANDS_HZ,
    FRAME_RATE_HZ,
    ROLL_DB,
    Stem,
    bar_lines,
    draw_stems,
    pitch_roll,
    stroke_roll,
)

RATE = 48_000


def tone(pitch: float, seconds: float = 2.0, partials: int = 1) -> torch.Tensor:
    time = torch.arange(round(seconds * RATE)) / RATE
    hz = 440 * 2 ** ((pitch - 69) / 12)
    wave = sum((torch.sin(2 * math.pi * hz * n * time) / n for n in range(1, partials + 1)), torch.zeros(()))
    return (0.2 * wave).expand(2, -1)


def test_a_note_is_in_its_row_for_as_long_as_it_lasts() -> None:
    audio = torch.cat([tone(60), torch.zeros(2, RATE), tone(67)], dim=1)
    roll = pitch_roll(audio, RATE)
    assert roll.shape[1] == 5 * FRAME_RATE_HZ
    seen = roll > -6
    assert seen[60 - LOWEST_PITCH, 25:75].all()
    assert seen[67 - LOWEST_PITCH, 175:225].all()
    assert not seen[:, 120:130].any()
    assert np.flatnonzero(seen.any(axis=1)).tolist() == [60 - LOWEST_PITCH, 67 - LOWEST_PITCH]


def test_overtones_are_fainter_than_the_note_that_they_belong_to() -> None:
    roll = pitch_roll(tone(48, partials=6), RATE)
    middle = roll[:, 50]
    assert int(middle.argmax()) == 48 - LOWEST_PITCH
    assert np.sort(middle)[-2] < -12


def test_a_chord_keeps_all_its_notes() -> None:
    roll = pitch_roll(tone(60) + tone(64) + tone(67), RATE)
    loudest = set(np.argsort(roll[:, 50])[-3:].tolist())
    assert loudest == {60 - LOWEST_PITCH, 64 - LOWEST_PITCH, 67 - LOWEST_PITCH}


def test_strokes_are_drawn_where_they_begin_and_in_their_band() -> None:
    audio = torch.zeros(2, 2 * RATE)
    time = torch.arange(RATE // 2) / RATE
    audio[:, RATE // 2 : RATE] = 0.5 * torch.sin(2 * math.pi * 70 * time) * torch.exp(-20 * time)
    roll = stroke_roll(audio, RATE)
    row = int(np.searchsorted(BANDS_HZ, 70)) - 1
    begins = int(roll[row].argmax()) / roll.shape[1] * 2.0
    assert abs(begins - 0.5) < 0.06
    late = roll[row, round(0.45 * roll.shape[1]) :]
    assert late.max() < -ROLL_DB / 2


def test_silence_is_drawn_as_nothing(tmp_path: Path) -> None:
    silent = torch.zeros(2, RATE)
    assert pitch_roll(silent, RATE).max() < -ROLL_DB
    for track in ("bass", "drums"):
        picture = draw_stems(track, [Stem(name="made", audio=silent)], RATE, tmp_path / f"{track}.png")
        assert imread(picture).shape[0] > 400


def test_made_and_real_stand_side_by_side_with_their_bars(tmp_path: Path) -> None:
    stems = [
        Stem(name="made", audio=tone(60), bars_s=(0.5, 1.5)),
        Stem(name="real", audio=tone(64), bars_s=(0.5, 9.0)),
    ]
    with_bars = imread(draw_stems("melody", stems, RATE, tmp_path / "a.png", about="a song"))
    without = [Stem(name=stem.name, audio=stem.audio) for stem in stems]
    plain = imread(draw_stems("melody", without, RATE, tmp_path / "b.png", about="a song"))
    assert with_bars.shape == plain.shape
    assert np.abs(with_bars - plain).sum() > 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b.png"]


def test_bars_are_counted_from_the_window() -> None:
    assert bar_lines([0.5, 2.5, 4.5, 6.5], 2.0, 4.0) == (0.5, 2.5)

import math

import numpy as np
import pytest
import torch
from known_sounds import chords, clicks

from stemwright.metrics.adherence import heard_key, key_adherence, tempo_adherence, tempo_ratio
from stemwright.metrics.harmony import Harmony
from stemwright.metrics.keys import FIFTH, PARALLEL, RELATIVE
from stemwright.metrics.rhythm import Rhythm

CADENCE = [[57, 60, 64], [62, 65, 69], [64, 68, 71], [57, 60, 64]]


def test_the_asked_tempo_and_its_octaves_are_kept_and_others_are_not() -> None:
    rhythm = Rhythm().extract(clicks(np.arange(0.1, 9.9, 0.5).tolist(), 10))
    assert [tempo_adherence(rhythm, bpm) for bpm in (120, 60, 240, 123)] == [1] * 4
    assert [tempo_adherence(rhythm, bpm) for bpm in (128, 90, 180, 160)] == [0] * 4
    assert math.log2(tempo_ratio(rhythm, 120)) == pytest.approx(
        round(math.log2(tempo_ratio(rhythm, 120))), abs=0.03
    )


def test_a_cadence_keeps_its_key_and_nearly_keeps_those_near() -> None:
    harmony = Harmony().extract(chords(CADENCE, 1.0))
    assert heard_key([harmony]) == "A minor"
    expected = {
        "A minor": 1,
        "A dorian": 1,
        "D minor": FIFTH,
        "C major": RELATIVE,
        "A major": PARALLEL,
        "B minor": 0,
    }
    assert {key: key_adherence([harmony], key) for key in expected} == expected


def test_silent_tracks_say_nothing_and_do_not_disturb() -> None:
    silent, sounding = (Harmony().extract(audio) for audio in (torch.zeros(2, 48_000), chords(CADENCE, 1.0)))
    assert key_adherence([silent, sounding], "A minor") == 1
    assert math.isnan(key_adherence([silent], "A minor"))
    assert math.isnan(key_adherence([], "A minor"))
    assert math.isnan(key_adherence([sounding], "no key"))
    assert math.isnan(tempo_adherence(Rhythm().extract(torch.zeros(2, 480_000)), 120))

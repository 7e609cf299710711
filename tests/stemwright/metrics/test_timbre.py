import math

import numpy as np
import torch

from stemwright.metrics.timbre import Timbre

RATE = 48_000
EAR = Timbre()


def tone(hz: float, partials: int, seconds: float = 3.0) -> torch.Tensor:
    """Notes of half a second, all overtones as loud."""
    time = torch.arange(round(seconds * RATE)) / RATE
    wave = torch.stack([torch.sin(2 * math.pi * hz * (n + 1) * time) for n in range(partials)]).mean(0)
    return (0.1 * wave * torch.exp(-3 * (time % 0.5))).expand(2, -1)


def described(audio: torch.Tensor) -> np.ndarray:
    return EAR.extract(audio)["timbre"]


def test_how_loud_a_sound_is_does_not_matter() -> None:
    audio = tone(220, 8)
    loud, soft = described(audio), described(audio / 10)
    np.testing.assert_allclose(loud, soft, rtol=1e-2, atol=2e-2)


def test_another_timbre_is_further_away_than_another_pitch() -> None:
    spectrum = EAR.parts[1]
    dull, other_pitch, bright = (
        described(audio)[spectrum] for audio in (tone(220, 2), tone(247, 2), tone(220, 30))
    )
    assert np.abs(dull - bright).sum() > 2 * np.abs(dull - other_pitch).sum()


def test_silence_is_described_and_said_to_be_silence() -> None:
    found = EAR.extract(torch.zeros(2, 3 * RATE))
    assert found["sounds"].tolist() == [0.0]
    assert np.isfinite(found["timbre"]).all()
    assert EAR.extract(tone(220, 3))["sounds"].tolist() == [1.0]


def test_parts_cover_the_description_once() -> None:
    found = described(tone(110, 4))
    assert sum(len(found[part]) for part in EAR.parts) == len(found)

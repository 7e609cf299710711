"""Sounds with known onsets and pitches, for tests of what is heard in them."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

RATE_HZ = 48_000


def clicks(times_s: Sequence[float], duration_s: float, *, seed: int = 0) -> Tensor:
    """Bursts of noise of 50 ms that die away, `[2, n]`."""
    rng = np.random.default_rng(seed)
    audio = np.zeros(round(duration_s * RATE_HZ) + RATE_HZ, np.float32)
    burst = RATE_HZ // 20
    for time_s in times_s:
        start = round(time_s * RATE_HZ)
        decay = np.exp(-np.arange(burst) / (0.01 * RATE_HZ))
        audio[start : start + burst] += 0.3 * decay * rng.standard_normal(burst)
    return stereo(audio[: round(duration_s * RATE_HZ)])


def chords(pitches: Sequence[Sequence[int]], chord_s: float, *, harmonics: int = 4) -> Tensor:
    """Chords of MIDI pitches one after the other, `[2, n]`."""
    time = np.arange(round(chord_s * RATE_HZ)) / RATE_HZ
    tones = [
        sum(
            np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * harmonic * time) / harmonic**2
            for pitch in chord
            for harmonic in range(1, harmonics + 1)
        )
        for chord in pitches
    ]
    return stereo(0.1 * np.concatenate([np.zeros(len(time)) + tone for tone in tones]))


def stereo(audio: np.ndarray) -> Tensor:
    return torch.from_numpy(audio.astype(np.float32)).expand(2, -1).contiguous()

"""Making sure of a duplicate: the same places of two songs, waveform against waveform."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import soundfile
from numpy.typing import NDArray

from stemwright_platform.corpus.check.container import opened
from stemwright_platform.corpus.check.windows import LOW_RATE_HZ
from stemwright_platform.corpus.manifest import Song

EXCERPT_S = 6.0
SLACK_S = 0.25
"""The landmarks tell a distance in time only roughly."""
PLACES = (0.5, 0.25, 0.75)
"""Of the stretch that the songs have in common."""
SAME = 0.7
"""Correlation of the waveforms below 4 kHz. Measured: lossy copies 0.99, different demo songs 0.1."""

Samples = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """What two songs have in common."""

    likeness: float
    """Correlation at the median of three places, 0…1."""
    later_s: float
    """How much later the music comes in the second."""
    common_s: float
    """Length of the stretch that both cover."""


def listen(first: Song, second: Song, later_s: float) -> Heard:
    """Compare the songs where the first's time t is the second's t + `later_s`, give or take SLACK_S.

    Both must be readable. Two silent places are not alike.
    """
    start_s, common_s = max(0.0, -later_s), _common_s(first, second, later_s)
    excerpt_s = min(EXCERPT_S, common_s)
    found = []
    for place in PLACES:
        at_s = start_s + place * (common_s - excerpt_s)
        one = excerpt(_heard_paths(first), at_s, excerpt_s)
        other = excerpt(_heard_paths(second), at_s + later_s - SLACK_S, excerpt_s + 2 * SLACK_S)
        found.append(_correlation(one, other))
    likeness, late = sorted(found)[len(found) // 2]
    later_s += late - SLACK_S
    return Heard(likeness=likeness, later_s=later_s, common_s=_common_s(first, second, later_s))


def excerpt(paths: Sequence[str], start_s: float, duration_s: float) -> Samples:
    """The sum of the files, in one channel at 8 kHz, `[n]`; silence before and after them."""
    num_samples = round(duration_s * LOW_RATE_HZ)
    return np.sum([_excerpt(path, start_s, duration_s, num_samples) for path in paths], axis=0)


def _common_s(first: Song, second: Song, later_s: float) -> float:
    """Length of the stretch that both songs cover."""
    return max(0.0, min(first.duration_s, second.duration_s - later_s) - max(0.0, -later_s))


def _excerpt(path: str, start_s: float, duration_s: float, num_samples: int) -> Samples:
    with opened(path) as source, soundfile.SoundFile(source) as file:
        rate_hz = file.samplerate
        wanted, start = round(duration_s * rate_hz), round(start_s * rate_hz)
        samples = np.zeros(wanted, np.float32)
        before = max(0, -start)
        if start + before < file.frames and before < wanted:
            file.seek(start + before)
            read = file.read(wanted - before, dtype="float32", always_2d=True).mean(axis=1)
            samples[before : before + len(read)] = read
    spectrum = np.fft.rfft(samples)[: num_samples // 2 + 1]
    scaled = np.fft.irfft(spectrum, num_samples) * (num_samples / max(1, wanted))
    return scaled.astype(np.float32)


def _correlation(one: Samples, other: Samples) -> tuple[float, float]:
    """The best of all places of `one` within the longer `other`, and its time in seconds."""
    size = 1 << (len(other) + len(one)).bit_length()
    products = np.fft.irfft(np.fft.rfft(other, size) * np.conj(np.fft.rfft(one, size)), size)
    lags = len(other) - len(one) + 1
    sums = np.concatenate([[0.0], np.cumsum(np.square(other, dtype=np.float64))])
    energy = sums[len(one) : len(one) + lags] - sums[:lags]
    scale = np.sqrt(energy * float(np.square(one, dtype=np.float64).sum()))
    likeness = np.where(scale > 1e-6 * len(one), products[:lags] / np.maximum(scale, 1e-12), 0)
    best = int(np.argmax(np.abs(likeness)))
    return float(abs(likeness[best])), best / LOW_RATE_HZ


def _heard_paths(song: Song) -> Sequence[str]:
    """The mix, or all stems."""
    if song.mix_path:
        return (song.mix_path,)
    return [path for paths in song.tracks.values() for path in paths or ()]

"""The pulse of a signal, from how its onset strength repeats.

Axes: T frame of a hundredth of a second, L frame of lag, P place in an octave of periods, H place in a beat.
"""

import numpy as np
from numpy.typing import NDArray

FRAME_RATE_HZ = 100
"""Frames a second of an onset strength."""
SLOWEST_BPM, FASTEST_BPM = 60.0, 200.0
"""Tempi that are heard; music beyond comes out as its double or half."""
USUAL_BPM = 115.0
"""Of several tempi that fit, the one nearest to this is heard."""
MIN_S = 3.0
"""A shorter signal has no pulse."""

_USUAL_OCTAVES = 0.9
"""Standard deviation of usual tempi."""
_MULTIPLES = ((0.5, 0.5), (1.0, 1.0), (2.0, 0.5), (4.0, 0.5))
"""Periods in beats that speak for a tempo, with their weights. Without the half beat, a third of the rendered
real compositions came out at 3/2 or 4/3 of their tempo, with it one in twenty (docs/decisions/0021)."""
_PLACES = 48
_LONGEST_OCTAVE_S = (0.125, 0.25, 0.5, 1.0, 2.0)
_BEAT_PLACES = 24

Strength = NDArray[np.floating]


def tempo_bpm(*strengths: Strength) -> float | None:
    """The tempo that all signals `[T]` of one length share best; None where nothing repeats."""
    bpm = np.geomspace(SLOWEST_BPM, FASTEST_BPM, 240)
    salience = sum((_salience(strength, bpm) for strength in strengths), np.zeros(len(bpm)))
    best = int(np.argmax(salience))
    return float(bpm[best]) if salience[best] > 0 else None


def _salience(strength: Strength, bpm: NDArray[np.float64]) -> NDArray[np.float64]:
    """How strongly a signal repeats after a beat of each tempo, its half and its multiples."""
    repeats = autocorrelation(strength)
    if len(repeats) < MIN_S * FRAME_RATE_HZ:
        return np.zeros(len(bpm))
    beat = 60 * FRAME_RATE_HZ / bpm
    lags = np.arange(len(repeats))
    fits = sum(weight * np.interp(times * beat, lags, repeats) for times, weight in _MULTIPLES)
    return fits * np.exp(-0.5 * (np.log2(bpm / USUAL_BPM) / _USUAL_OCTAVES) ** 2)


def autocorrelation(strength: Strength) -> NDArray[np.float64]:
    """`[L]`, L = T: 1 at lag 0, unbiased; zero for a constant."""
    centred = strength.astype(np.float64) - strength.mean()
    size = len(centred)
    power = np.abs(np.fft.rfft(centred, 2 * size)) ** 2
    found = np.fft.irfft(power)[:size] / (size - np.arange(size))
    return found / found[0] if found[0] > 1e-9 else np.zeros(size)


def periodicity(strength: Strength) -> NDArray[np.float64]:
    """`[P]`: how strongly a signal repeats at periods of 0.5 to 1 s and their octaves, centred.

    Two signals of one tempo have it alike, even where one of them counts twice as fast.
    """
    repeats = autocorrelation(smoothed(strength - strength.mean(), 7))
    octave = np.exp2(np.arange(_PLACES) / _PLACES) * FRAME_RATE_HZ
    lags = [octave * longest for longest in _LONGEST_OCTAVE_S if 2 * longest * FRAME_RATE_HZ < len(repeats)]
    folded = sum((np.interp(lag, np.arange(len(repeats)), repeats) for lag in lags), np.zeros(_PLACES))
    return folded - folded.mean()


def beat_profile(strength: Strength, bpm: float) -> NDArray[np.float64]:
    """`[H]`: the onset strength within a beat, summed over all beats from frame 0 on, centred."""
    centred = smoothed(strength - strength.mean(), 5)
    place = np.arange(len(centred)) * bpm / 60 / FRAME_RATE_HZ % 1
    profile = np.bincount((place * _BEAT_PLACES).astype(int), weights=centred, minlength=_BEAT_PLACES)
    return profile - profile.mean()


def smoothed(strength: Strength, frames: int) -> NDArray[np.float64]:
    """`[T]`, under a Hann window of `frames`: notes that are meant together come some 20 ms apart.

    Beyond the ends it takes zeros: centre first what is not near zero there.
    """
    window = np.hanning(frames + 2)[1:-1]
    return np.convolve(strength, window / window.sum(), mode="same")[: len(strength)]

"""Whether a sound is technically whole: its ends, its peaks, clicks within it, how deep its rests are.

Axes: n audio sample, T stretch, M click.
"""

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray
from torch import Tensor

from stemwright.metrics.feature import Arrays

EDGE_S = 0.005
"""What counts as an end of a sound."""
STRETCH_S = 0.05
"""Of rests: shorter than a sixteenth note at 200 bpm."""
FLOOR_DB = -120.0
"""Of levels; digital silence has it."""
CLICK_RATIO = 15.0
"""A click's curvature stands so far out of what surrounds it on both sides; a stroke's does on one alone."""
CLICK_FLOOR = 2e-3
"""Smallest curvature of a click, of full scale."""
CLICK_WIDTH_S, AROUND_S = 0.0005, 0.005
"""How long a click lasts at most, and how far on either side it is compared."""
ALONE_S, ALONE_RATIO = 0.06, 2.0
"""A click is alone: within this time nothing else is half as sharp. The edges of a saw wave come again."""

Audio = NDArray[np.float32]


class Soundness:
    """What a listener would call a fault of the sound, before any music."""

    name = "soundness"
    fingerprint = "soundness-1"
    sample_rate_hz = 48_000

    def extract(self, audio: Tensor) -> Arrays:
        """`edges [2]`: first and last sample, absolute; `edges_db [2]`: RMS of the first and last 5 ms.
        `peak [1]`, absolute. `clicks_s [M]`: moments of clicks. `levels_db [T]`: RMS of stretches of 50 ms,
        at least one."""
        samples = audio.numpy()
        edge = max(1, round(EDGE_S * self.sample_rate_hz))
        found = {
            "edges": np.abs(samples[:, [0, -1]]).max(axis=0),
            "edges_db": [_db(samples[:, :edge]), _db(samples[:, -edge:])],
            "peak": [np.abs(samples).max()],
            "clicks_s": clicks_s(samples, self.sample_rate_hz),
            "levels_db": levels_db(samples, round(STRETCH_S * self.sample_rate_hz)),
        }
        return {name: np.asarray(values, np.float32) for name, values in found.items()}


def clicks_s(samples: Audio, sample_rate_hz: int) -> NDArray[np.float32]:
    """Moments `[M]`, ascending, at which audio `[2, n]` jumps and goes on as before, in either channel."""
    width, around = (max(1, round(seconds * sample_rate_hz)) for seconds in (CLICK_WIDTH_S, AROUND_S))
    if samples.shape[1] < 2 * (width + around):
        return np.zeros(0, np.float32)
    found = np.zeros(samples.shape[1], bool)
    for channel in samples:
        curvature = np.abs(np.convolve(channel.astype(np.float64), [1.0, -2.0, 1.0], mode="same"))
        curvature[[0, -1]] = 0
        sharp = (curvature > CLICK_FLOOR) & (curvature > CLICK_RATIO * _louder_side(curvature, width, around))
        reach = round(ALONE_S * sample_rate_hz)
        alone = [
            place for place in np.flatnonzero(sharp).tolist() if _is_alone(curvature, place, width, reach)
        ]
        found[alone] = True
    # several samples of one click are one click
    places = np.flatnonzero(found)
    firsts = places[np.diff(places, prepend=-around) >= around]
    return (firsts / sample_rate_hz).astype(np.float32)


def _louder_side(curvature: NDArray[np.float64], width: int, around: int) -> NDArray[np.float64]:
    """`[n]`: RMS of what comes `width` before or after a sample, for `around` samples, of the louder side."""
    power = np.sqrt(np.maximum(scipy.ndimage.uniform_filter1d(curvature**2, around, mode="nearest"), 0))
    shift = width + around // 2
    before = np.concatenate([np.full(shift, power[0]), power[:-shift]])
    after = np.concatenate([power[shift:], np.full(shift, power[-1])])
    return np.maximum(before, after)


def levels_db(samples: Audio, size: int) -> NDArray[np.float32]:
    """`[T]`: level of whole stretches of `size` samples of `[2, n]`; of all of it where it is shorter."""
    power = np.square(samples, dtype=np.float64).mean(axis=0)
    count = max(1, len(power) // size)
    stretches = power[: count * size].reshape(count, -1).mean(axis=1)
    return np.maximum(FLOOR_DB, 10 * np.log10(stretches + 1e-15)).astype(np.float32)


def _is_alone(curvature: NDArray[np.float64], place: int, width: int, reach: int) -> bool:
    """Whether nothing within `reach` samples, its own `width` aside, is nearly as sharp."""
    before = curvature[max(0, place - reach) : max(0, place - width)]
    after = curvature[place + width : place + reach]
    return curvature[place] > ALONE_RATIO * max(before.max(initial=0), after.max(initial=0))


def _db(samples: Audio) -> float:
    return max(FLOOR_DB, 10 * float(np.log10(np.square(samples, dtype=np.float64).mean() + 1e-15)))

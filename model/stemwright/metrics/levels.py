"""How loud a signal is, and what is wrong with it: silence, clipping, an offset, clicks at its ends.

Axes: n audio sample.
"""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from stemwright.metrics.feature import Arrays

FLOOR_DB = -120.0
"""Of levels; digital silence has it."""
SILENT_DB = -60.0
"""A stretch, or a whole signal, below this RMS is silent."""
STRETCH_S = 0.1
"""Stretches that silence is counted in."""
FULL_SCALE = 0.999
"""Samples from here on have reached the ceiling."""
CLIPPED_RUN = 3
"""So many of them in a row are clipped; a single one may be a true peak."""
CLIPPED_SHARE = 1e-4
"""A signal with more clipped samples counts as clipped: five in a second and a channel."""

Audio = NDArray[np.float32]


class Levels:
    """Each an array of one number, `edges` of two; silence: `FLOOR_DB`, a silent share of 1, else zeros."""

    name = "levels"
    fingerprint = "levels-1"
    sample_rate_hz = 48_000

    def extract(self, audio: Tensor) -> Arrays:
        """`rms_db`, `peak_db`: re full scale. `silent_share`, `clipped_share`: 0…1. `dc`: the larger
        channel's mean, absolute. `edges [2]`: the first and last sample, absolute: a jump clicks."""
        samples = audio.numpy()
        found = {
            "rms_db": _db(float(np.sqrt(np.square(samples, dtype=np.float64).mean()))),
            "peak_db": _db(float(np.abs(samples).max())),
            "silent_share": _silent_share(samples, round(STRETCH_S * self.sample_rate_hz)),
            "clipped_share": _clipped_share(samples),
            "dc": float(np.abs(samples.mean(axis=1, dtype=np.float64)).max()),
        }
        edges = np.abs(samples[:, [0, -1]]).max(axis=0)
        return {name: np.array([value], np.float32) for name, value in found.items()} | {"edges": edges}


def level_scores(levels: Arrays) -> dict[str, float]:
    """Of one track: `silence_rate` and `clipping_rate` 0 or 1, their mean over clips a rate; `silent_share`
    and `clipped_share` of its time, 0…1; `rms_db`; `edge_click`, the larger jump at its ends, 0…1."""
    return {
        "silence_rate": float(levels["rms_db"][0] < SILENT_DB),
        "silent_share": float(levels["silent_share"][0]),
        "clipping_rate": float(levels["clipped_share"][0] > CLIPPED_SHARE),
        "clipped_share": float(levels["clipped_share"][0]),
        "rms_db": float(levels["rms_db"][0]),
        "edge_click": float(levels["edges"].max()),
    }


def _db(amplitude: float) -> float:
    return max(FLOOR_DB, 20 * float(np.log10(max(amplitude, 1e-12))))


def _silent_share(samples: Audio, size: int) -> float:
    """Of its stretches, the last one shorter."""
    starts = np.arange(0, samples.shape[1], size)
    power = np.add.reduceat(np.square(samples).mean(axis=0), starts)
    lengths = np.diff(starts, append=samples.shape[1])
    silent = power / lengths < 10 ** (SILENT_DB / 10)
    return float(lengths[silent].sum() / samples.shape[1])


def _clipped_share(samples: Audio) -> float:
    """Of samples in runs of `CLIPPED_RUN` or more on one side of full scale."""
    clipped = sum(_in_runs(side >= FULL_SCALE) for channel in samples for side in (channel, -channel))
    return clipped / samples.size


def _in_runs(full: NDArray[np.bool_]) -> int:
    """How many samples stand in long runs."""
    if not full.any():
        return 0
    turns = np.flatnonzero(np.diff(full.astype(np.int8), prepend=0, append=0))
    runs = turns[1::2] - turns[::2]
    return int(runs[runs >= CLIPPED_RUN].sum())

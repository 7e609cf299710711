"""Integrated loudness (ITU-R BS.1770-4) of signals of any length, and bringing stems to one loudness."""

import math

import numpy as np
import scipy.signal
from numpy.typing import NDArray
from pyloudnorm.iirfilter import IIRfilter
from torch import Tensor

TARGET_LUFS = -23.0
"""The loudness that stems are brought to (EBU R 128)."""
MAX_GAIN_DB = 40.0
"""Near-silence is noise: it is not blown up further than this."""

_ABSOLUTE_GATE_LUFS = -70.0
_RELATIVE_GATE_LU = -10.0
_OFFSET_DB = -0.691
_STEPS_PER_BLOCK = 4
_STEP_S = 0.1
_CHUNK_FRAMES = 1 << 20


class LoudnessMeter:
    """Gated loudness of a signal that comes in chunks."""

    def __init__(self, sample_rate_hz: int, num_channels: int) -> None:
        """One or two channels."""
        self._rate_hz = sample_rate_hz
        self._weighting = _KWeighting(sample_rate_hz, num_channels)
        self._energies: list[float] = []  # K-weighted, of each step of 100 ms; the last one may be open
        self._num_samples = 0

    def add(self, chunk: NDArray[np.floating]) -> None:
        """Hear the next samples `[channels, n]`, in ±1. Raises ValueError where they are not finite."""
        if not chunk.shape[1]:
            return
        if not np.isfinite(chunk).all():
            raise ValueError("loudness of samples that are not finite")
        power = np.square(self._weighting(chunk.astype(np.float64))).sum(axis=0)
        start, end = self._num_samples, self._num_samples + len(power)
        open_step = max(0, len(self._energies) - 1)
        first = open_step if start < self._edge(open_step + 1) else open_step + 1
        steps = range(first, self._steps_before(end))
        inside = [max(0, self._edge(step) - start) for step in steps]
        energies = np.add.reduceat(power, inside)
        if first < len(self._energies):
            self._energies[first] += energies[0]
            energies = energies[1:]
        self._energies.extend(energies.tolist())
        self._num_samples = end

    def lufs(self) -> float:
        """Loudness of all that was heard; -inf for silence.

        Less than one gating block of 400 ms is measured whole, ungated except for silence.
        """
        power = self._block_powers()
        power = power[power > _power(_ABSOLUTE_GATE_LUFS)]
        if power.size == 0:
            return -math.inf
        gate = power.mean() * 10 ** (_RELATIVE_GATE_LU / 10)
        return _lufs(float(power[power > gate].mean()))

    def _block_powers(self) -> NDArray[np.float64]:
        """Mean square of each 400 ms block (75 % overlap), K-weighted, summed over channels."""
        energies = np.array(self._energies)
        edges = np.array([self._edge(step) for step in range(len(energies))] + [self._num_samples])
        if len(energies) < _STEPS_PER_BLOCK:
            return np.array([energies.sum() / max(1, self._num_samples)])
        if edges[-1] - edges[-2] < self._rate_hz * _STEP_S / 2:
            energies, edges = energies[:-1], edges[:-1]  # a scrap of a step says too little
        cumulative = np.concatenate([[0.0], np.cumsum(energies)])
        energy = cumulative[_STEPS_PER_BLOCK:] - cumulative[:-_STEPS_PER_BLOCK]
        return np.maximum(energy, 0.0) / (edges[_STEPS_PER_BLOCK:] - edges[:-_STEPS_PER_BLOCK])

    def _edge(self, step: int) -> int:
        """First sample of a step."""
        return round(step * self._rate_hz * _STEP_S)

    def _steps_before(self, sample: int) -> int:
        """How many steps begin before a sample."""
        steps = int(sample / (self._rate_hz * _STEP_S)) + 2
        while steps and self._edge(steps - 1) >= sample:
            steps -= 1
        return steps


def integrated_lufs(audio: Tensor, sample_rate_hz: int) -> float:
    """Gated loudness in LUFS of `[channels, n]`, as `LoudnessMeter` measures it."""
    meter = LoudnessMeter(sample_rate_hz, audio.shape[0])
    for chunk in audio.detach().cpu().split(_CHUNK_FRAMES, dim=1):
        meter.add(chunk.numpy())
    return meter.lufs()


def matching_gain_db(
    lufs: float, target_lufs: float = TARGET_LUFS, *, max_gain_db: float = MAX_GAIN_DB
) -> float:
    """The gain that brings a signal of some loudness to the target, at most `max_gain_db`; 0 for silence."""
    return min(target_lufs - lufs, max_gain_db) if math.isfinite(lufs) else 0.0


def match_loudness(
    audio: Tensor, sample_rate_hz: int, target_lufs: float = TARGET_LUFS, *, max_gain_db: float = MAX_GAIN_DB
) -> tuple[Tensor, float]:
    """The audio at `target_lufs`, and the gain in dB that brought it there.

    Silence stays as it is, with gain 0. The gain is at most `max_gain_db`. Peaks may pass ±1:
    they are for the writer of a file to limit, not for a measure of loudness.
    """
    lufs = integrated_lufs(audio, sample_rate_hz)
    gain_db = matching_gain_db(lufs, target_lufs, max_gain_db=max_gain_db)
    return (audio * 10 ** (gain_db / 20) if gain_db else audio), gain_db


def _lufs(power: float) -> float:
    return _OFFSET_DB + 10 * math.log10(power)


def _power(lufs: float) -> float:
    return 10 ** ((lufs - _OFFSET_DB) / 10)


class _KWeighting:
    """The two filters of BS.1770 over consecutive chunks `[channels, n]`."""

    def __init__(self, sample_rate_hz: int, num_channels: int) -> None:
        shelf = IIRfilter(4.0, 1 / math.sqrt(2), 1500.0, sample_rate_hz, "high_shelf")
        high_pass = IIRfilter(0.0, 0.5, 38.0, sample_rate_hz, "high_pass")
        self._sections = np.array([np.concatenate([stage.b, stage.a]) for stage in (shelf, high_pass)])
        self._state = np.zeros((len(self._sections), num_channels, 2))

    def __call__(self, chunk: np.ndarray) -> np.ndarray:
        out, self._state = scipy.signal.sosfilt(self._sections, chunk, axis=-1, zi=self._state)
        return out

"""Integrated loudness (ITU-R BS.1770-4) of signals of any length, and bringing stems to one loudness."""

import math

import numpy as np
import scipy.signal
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


def integrated_lufs(audio: Tensor, sample_rate_hz: int) -> float:
    """Gated loudness in LUFS of `[channels, n]`, one or two channels in ±1; -inf for silence.

    Clips shorter than one gating block of 400 ms are measured whole, ungated except for silence.
    Reads the signal in chunks, so that a two-hour file needs no copy. Raises ValueError for
    samples that are not finite.
    """
    power = _block_powers(audio, sample_rate_hz)
    power = power[power > _power(_ABSOLUTE_GATE_LUFS)]
    if power.size == 0:
        return -math.inf
    gate = power.mean() * 10 ** (_RELATIVE_GATE_LU / 10)
    return _lufs(float(power[power > gate].mean()))


def match_loudness(
    audio: Tensor, sample_rate_hz: int, target_lufs: float = TARGET_LUFS, *, max_gain_db: float = MAX_GAIN_DB
) -> tuple[Tensor, float]:
    """The audio at `target_lufs`, and the gain in dB that brought it there.

    Silence stays as it is, with gain 0. The gain is at most `max_gain_db`. Peaks may pass ±1:
    they are for the writer of a file to limit, not for a measure of loudness.
    """
    lufs = integrated_lufs(audio, sample_rate_hz)
    if not math.isfinite(lufs):
        return audio, 0.0
    gain_db = min(target_lufs - lufs, max_gain_db)
    return audio * 10 ** (gain_db / 20), gain_db


def _lufs(power: float) -> float:
    return _OFFSET_DB + 10 * math.log10(power)


def _power(lufs: float) -> float:
    return 10 ** ((lufs - _OFFSET_DB) / 10)


def _block_powers(audio: Tensor, sample_rate_hz: int) -> np.ndarray:
    """Mean square of each 400 ms block (75 % overlap), K-weighted, summed over channels."""
    step_energy, edges = _step_energies(audio, sample_rate_hz)
    if len(step_energy) < _STEPS_PER_BLOCK:
        return np.array([step_energy.sum() / max(1, audio.shape[-1])])
    if edges[-1] - edges[-2] < sample_rate_hz * _STEP_S / 2:
        step_energy, edges = step_energy[:-1], edges[:-1]  # a scrap of a step says too little
    cumulative = np.concatenate([[0.0], np.cumsum(step_energy)])
    energy = cumulative[_STEPS_PER_BLOCK:] - cumulative[:-_STEPS_PER_BLOCK]
    return np.maximum(energy, 0.0) / (edges[_STEPS_PER_BLOCK:] - edges[:-_STEPS_PER_BLOCK])


def _step_energies(audio: Tensor, sample_rate_hz: int) -> tuple[np.ndarray, np.ndarray]:
    """K-weighted energy of each 100 ms step (the last may be shorter), and the steps' edges in samples."""
    num_samples = audio.shape[-1]
    num_steps = max(1, math.ceil(num_samples / (sample_rate_hz * _STEP_S)))
    edges = np.minimum(np.round(np.arange(num_steps + 1) * sample_rate_hz * _STEP_S).astype(int), num_samples)
    edges[-1] = num_samples
    energies = np.zeros(num_steps)
    weighting = _KWeighting(sample_rate_hz, audio.shape[0])
    for start in range(0, num_samples, _CHUNK_FRAMES):
        chunk = audio[:, start : start + _CHUNK_FRAMES].detach().cpu().double().numpy()
        if not np.isfinite(chunk).all():
            raise ValueError("loudness of samples that are not finite")
        power = np.square(weighting(chunk)).sum(axis=0)
        first = int(np.searchsorted(edges, start, side="right")) - 1
        stop = int(np.searchsorted(edges, start + len(power), side="left"))
        inside = np.maximum(edges[first:stop] - start, 0)
        energies[first:stop] += np.add.reduceat(power, inside)
    return energies, edges


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

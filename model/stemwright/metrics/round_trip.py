"""What a codec does to a stem: the copy that came back against the original.

Axes: n audio sample, T frame, W bin, M mel band, O octave.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stemwright.metrics.rhythm import onset_strength, onset_times

RATE_HZ = 48_000
WINDOW, HOP = 2048, 512
LEAKAGE = 1.5
"""A Hann window's: the power of a sine over all bins, the highest at 1."""
MEL_BANDS, MEL_TOP_HZ = 100, 20_000
FLOOR_DB = -80.0
"""re full scale: what is lower counts as this; it is not heard beside a stem at -23 LUFS."""
SOUNDING_DB = -60.0
"""Frames of the original below this level are left out: nothing sounds there."""
OCTAVES_HZ = tuple((31.25 * 2**k, 62.5 * 2**k) for k in range(9))
"""The last is 8 to 16 kHz."""
PITCH_RATE_HZ, PITCH_WINDOW, PITCH_HOP = 8_000, 1024, 256
PITCH_RANGE_HZ = (30.0, 500.0)
CENTS = 50
ONSET_S = 0.05
"""An onset of the copy so far from one of the original is the same."""
MIN_VOICED = 10
"""Fewer voiced frames say nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RoundTrip:
    """Figures of one stem; NaN where there is nothing to measure them on."""

    mel_db: float
    """Mean distance of the mel bands' levels of mid, over the frames that sound."""
    octaves_db: tuple[float, ...]
    """`[O]`: level of each octave in the copy less that in the original, both channels together."""
    width_db: float
    """Level of side likewise."""
    onsets: float
    """F-measure of the onsets, 0…1."""
    pitch: float
    """Share of the original's voiced frames that come back within half a semitone, where asked for."""


def round_trip(original: Tensor, copy: Tensor, *, pitched: bool) -> RoundTrip | None:
    """Compare `[2, n]` with a copy at least as long, both at 48 kHz; None where the original is silent.

    `pitched`: ask for the pitch too, as of a bass, which plays a note at a time.
    """
    copy = copy[:, : original.shape[1]]
    before, after = _powers(original), _powers(copy)
    sounding = _sounding(original, before.shape[1])
    if not bool(sounding.any()):
        return None
    mels = [_db(power[0] @ _mel_filters()) for power in (before, after)]
    one, two = (audio.mean(0).numpy() for audio in (original, copy))
    return RoundTrip(
        mel_db=float((mels[1] - mels[0])[sounding].abs().mean()),
        octaves_db=tuple(_octave_gain(before, after, sounding, *edges) for edges in OCTAVES_HZ),
        width_db=_gain_db(before[1][sounding].sum(1).mean(), after[1][sounding].sum(1).mean()),
        onsets=_onset_agreement(one, two),
        pitch=_pitch_agreement(one, two) if pitched else math.nan,
    )


def _powers(audio: Tensor) -> Tensor:
    """`[2, n]` → power of mid and side `[2, T, W]`; over its bins a sine of amplitude 1 adds up to 1."""
    mid_side = torch.stack([audio[0] + audio[1], audio[0] - audio[1]]) / 2
    spectrum = torch.stft(
        mid_side, WINDOW, HOP, window=torch.hann_window(WINDOW), pad_mode="constant", return_complex=True
    )
    return torch.view_as_real(spectrum).square().sum(-1).transpose(1, 2) * (16 / LEAKAGE / WINDOW**2)


def _sounding(audio: Tensor, num_frames: int) -> Tensor:
    """Which frames `[T]` of `[2, n]` are above `SOUNDING_DB`, root mean square over the louder channel."""
    padded = torch.nn.functional.pad(audio, (WINDOW // 2, WINDOW // 2))
    power = padded.unfold(-1, WINDOW, HOP)[:, :num_frames].square().mean(-1).amax(0)
    return power > 10 ** (SOUNDING_DB / 10)


@lru_cache(maxsize=1)
def _mel_filters() -> Tensor:
    """Triangles `[W, M]` that part the power among them."""
    from librosa.filters import mel  # takes a second to import

    filters = mel(sr=RATE_HZ, n_fft=WINDOW, n_mels=MEL_BANDS, fmin=40, fmax=MEL_TOP_HZ, norm=None)
    return torch.from_numpy(filters.T).float().contiguous()


def _db(power: Tensor) -> Tensor:
    return 10 * power.clamp(min=10 ** (FLOOR_DB / 10)).log10()


def _gain_db(before: Tensor, after: Tensor) -> float:
    """From one power to the other; NaN where neither is above the floor."""
    if max(float(before), float(after)) <= 10 ** (FLOOR_DB / 10):
        return math.nan
    return float(_db(after) - _db(before))


def _octave_gain(before: Tensor, after: Tensor, sounding: Tensor, low_hz: float, high_hz: float) -> float:
    frequency = torch.arange(WINDOW // 2 + 1) * (RATE_HZ / WINDOW)
    band = (frequency >= low_hz) & (frequency < high_hz)
    levels = [power[:, sounding][..., band].sum((0, 2)).mean() for power in (before, after)]
    return _gain_db(levels[0], levels[1])


def _onset_agreement(original: NDArray[np.float32], copy: NDArray[np.float32]) -> float:
    """F-measure of the onsets of `[n]` and `[n]`, each paired once; NaN where neither has any."""
    before, after = (onset_times(onset_strength(x, RATE_HZ)) for x in (original, copy))
    if not len(before) + len(after):
        return math.nan
    return 2 * _num_pairs(before, after) / (len(before) + len(after))


def _num_pairs(before: NDArray[np.float32], after: NDArray[np.float32]) -> int:
    """How many of two ascending rows of times lie together."""
    pairs = i = j = 0
    while i < len(before) and j < len(after):
        if abs(before[i] - after[j]) <= ONSET_S:
            pairs, i, j = pairs + 1, i + 1, j + 1
        elif before[i] < after[j]:
            i += 1
        else:
            j += 1
    return pairs


def _pitch_agreement(original: NDArray[np.float32], copy: NDArray[np.float32]) -> float:
    (before, voiced), (after, _) = _pitches(original), _pitches(copy)
    if voiced.sum() < MIN_VOICED:
        return math.nan
    cents = 1200 * np.abs(np.log2(after[voiced] / before[voiced]))
    return float((cents <= CENTS).mean())


def _pitches(audio: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Pitch in Hz of frames `[T]` of mono `[n]`, and where it is one (pYIN, Mauch and Dixon 2014)."""
    import soxr
    from librosa import pyin

    low, high = PITCH_RANGE_HZ
    frequency, voiced, _ = pyin(
        soxr.resample(audio, RATE_HZ, PITCH_RATE_HZ),
        fmin=low,
        fmax=high,
        sr=PITCH_RATE_HZ,
        frame_length=PITCH_WINDOW,
        hop_length=PITCH_HOP,
        resolution=0.25,
        fill_na=None,
    )
    return frequency, voiced

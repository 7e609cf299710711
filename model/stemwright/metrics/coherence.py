"""Whether two stems belong together: in tempo, beat, onsets, chords and key.

Each score tells stems of one song from stems of different ones; docs/evaluation.md says how well. Those of
beat, onsets and chords do so where tempo and key are the same: neither can make them high.

Axes: T frame, L lag, C pitch class, Y key, I interval in semitones.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from stemwright.metrics.feature import Arrays
from stemwright.metrics.keys import key_strengths
from stemwright.metrics.pulse import FRAME_RATE_HZ, beat_profile, periodicity, smoothed, tempo_bpm
from stemwright.metrics.rhythm import EDGE_FRAMES

SCORES = ("tempo_agreement", "beat_agreement", "onset_lock", "chroma_agreement", "key_agreement")
"""All of them are better when higher."""
UNPITCHED = ("drum", "perc")
"""Tracks with one of these in their names have no pitch."""
MIN_ONSETS = 4
"""A stem with fewer has no rhythm to compare."""
MIN_PITCHED_S = 2.0
"""Both stems must sound together for this long."""
LOCK_REACH_S = 1.0
"""Lags up to here are what chance gives."""
AFFINITY = (1.0, -0.05, -0.2, 0.2, 0.1, -0.05, -0.1, -0.05, 0.1, 0.2, -0.2, -0.05)
"""`[I]`: what an interval between the stems counts, a unison 1. Notes of one chord are thirds apart, seconds
are passing notes or wrong ones. Chosen on demo songs: by unisons alone bass and melody part less well."""

_LOCK_FRAMES = 5
_CHROMA_FRAMES = 5
_CHROMA_RATE_HZ = 10

Features = Mapping[str, Arrays]
"""Name of a feature → what it heard in one stem."""
Curve = NDArray[np.floating]


def has_pitch(track: str) -> bool:
    """Whether a track of this name can have harmony: drums have not."""
    return not any(part in track.lower() for part in UNPITCHED)


def pair_scores(first: Features, second: Features, *, pitched: bool = True) -> dict[str, float]:
    """`SCORES` of two stems of equal start, from "rhythm" and "harmony"; NaN where one cannot be measured.

    `pitched`: whether both have pitch (`has_pitch`); without, no "harmony" is needed and its scores are NaN.

    - tempo_agreement, −1…1: correlation of what periods both repeat at, octaves folded: the same pulse.
    - beat_agreement, −1…1: correlation of where in the common beat both have their onsets.
    - onset_lock, standard deviations: how far the correlation of onsets as they stand exceeds other lags'.
    - chroma_agreement, −1…1: correlation of how pitch classes change over time, apart from the key's share.
    - key_agreement, −1…1: correlation of how well both fit each of the 24 keys.
    """
    scores: dict[str, float] = dict.fromkeys(SCORES, float("nan"))
    if min(len(stem["rhythm"]["onsets_s"]) for stem in (first, second)) >= MIN_ONSETS:
        # without the ends, which are empty in all stems: before noise, that would be a common stroke
        rhythms = _cut(*(stem["rhythm"]["strength"][EDGE_FRAMES:-EDGE_FRAMES] for stem in (first, second)))
        scores["tempo_agreement"] = correlation(*map(periodicity, rhythms))
        scores["beat_agreement"] = beat_agreement(*rhythms)
        scores["onset_lock"] = onset_lock(*rhythms)
    if pitched:
        harmonies = _cut(first["harmony"]["chroma"], second["harmony"]["chroma"])
        scores["chroma_agreement"] = chroma_agreement(*harmonies)
        scores["key_agreement"] = key_agreement(*harmonies)
    return scores


def beat_agreement(first: Curve, second: Curve) -> float:
    """Of onset strengths `[T]`; NaN without a common pulse."""
    bpm = tempo_bpm(first, second)
    return correlation(beat_profile(first, bpm), beat_profile(second, bpm)) if bpm else float("nan")


def onset_lock(first: Curve, second: Curve) -> float:
    """Of onset strengths `[T]`: z-score of their correlation at lag 0 among lags within `LOCK_REACH_S`."""
    reach = round(LOCK_REACH_S * FRAME_RATE_HZ)
    if len(first) < 2 * reach:
        return float("nan")
    one, other = (smoothed(curve - curve.mean(), _LOCK_FRAMES) for curve in (first, second))
    found = _cross_correlation(one, other, reach)
    return float((found[reach] - found.mean()) / found.std()) if found.std() > 1e-9 else float("nan")


def _cross_correlation(first: Curve, second: Curve, reach: int) -> NDArray[np.float64]:
    """`[L]` at lags −reach…reach, unbiased."""
    size = len(first)
    product = np.fft.rfft(first, 2 * size) * np.fft.rfft(second, 2 * size).conj()
    found = np.fft.irfft(product)
    lags = np.arange(-reach, reach + 1)
    return found[lags] / (size - np.abs(lags))


def chroma_agreement(first: Curve, second: Curve) -> float:
    """Of chromas `[C, T]`, over the frames where both sound.

    Each is centred over time: what lasts, the key, says nothing; what changes must change in the other too.
    """
    both = first.any(axis=0) & second.any(axis=0)
    if both.sum() < MIN_PITCHED_S * _CHROMA_RATE_HZ:
        return float("nan")
    one, other = (_moving(chroma)[:, both] for chroma in (first, second))
    one, other = (chroma - chroma.mean(axis=1, keepdims=True) for chroma in (one, other))
    size = float(np.linalg.norm(one) * np.linalg.norm(other))
    kin = np.array([np.roll(AFFINITY, pitch) for pitch in range(12)])
    return float((one * (kin @ other)).sum() / size) if size > 1e-6 else float("nan")


def _moving(chroma: Curve) -> Curve:
    """A mean over half a second: chords last longer, and players do not change together to the frame."""
    window = np.ones(_CHROMA_FRAMES) / _CHROMA_FRAMES
    return np.stack([np.convolve(row, window, mode="same")[: len(row)] for row in chroma])


def key_agreement(first: Curve, second: Curve) -> float:
    """Of chromas `[C, T]`; each stem's own sounding frames count."""
    if min(chroma.any(axis=0).sum() for chroma in (first, second)) < MIN_PITCHED_S * _CHROMA_RATE_HZ:
        return float("nan")
    return correlation(*(key_strengths(chroma.mean(axis=1)) for chroma in (first, second)))


def correlation(first: Curve, second: Curve) -> float:
    """−1…1; NaN where one is constant or has NaN."""
    one, other = first - first.mean(), second - second.mean()
    size = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / size if size > 1e-9 else float("nan")


def _cut(first: NDArray[np.float32], second: NDArray[np.float32]) -> tuple[Curve, Curve]:
    """Both as long as the shorter in time, their last axis."""
    size = min(first.shape[-1], second.shape[-1])
    return first[..., :size], second[..., :size]

"""Pictures of audio for the report page: waveforms as SVG paths, mel spectrograms as PNG data URIs.

Axes: n audio sample, F frequency bin, M mel band, W picture column.
"""

import base64
import io
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

COLUMNS, BANDS = 640, 88
WAVE_BINS = 400
LOWEST_HZ, HIGHEST_HZ = 40.0, 16_000.0
RANGE_DB = 72.0
"""From the loudest to black."""
WINDOW = 4096
COMPANDING = 0.65
"""Exponent of the waveforms' heights."""
GROUND = "#10131c"
"""Behind every spectrogram, in the light theme too."""


def wave_path(audio: Tensor, full_scale: float = 1.0, bins: int = WAVE_BINS) -> str:
    """An SVG path around lowest and highest sample of each of `bins` spans of `[2, n]`.

    x runs 0…bins, y −100…100 for ±`full_scale`, quiet parts raised so that they can be seen. Silence is a
    line of a hair's breadth.
    """
    samples = (audio / max(full_scale, 1e-9)).numpy()
    samples = np.sign(samples) * np.abs(samples) ** COMPANDING * 100
    edges = np.linspace(0, samples.shape[1], bins, endpoint=False).astype(int)
    high = np.maximum.reduceat(samples.max(0), edges)
    low = np.minimum.reduceat(samples.min(0), edges)
    high, low = np.clip(high, 0.6, 100), np.clip(low, -100, -0.6)
    forth = [f"{x + 0.5:g} {-y:.1f}" for x, y in enumerate(high)]
    back = [f"{x + 0.5:g} {-y:.1f}" for x, y in enumerate(low)][::-1]
    return f"M{'L'.join([*forth, *back])}Z"


def mel_levels(audio: Tensor, sample_rate_hz: int) -> NDArray[np.float32]:
    """Level in dB of `[2, n]`, both channels together, `[M, W]`; the lowest band first."""
    mono = audio.mean(0)
    hop = max(1, audio.shape[1] // COLUMNS)
    padded = torch.nn.functional.pad(mono, (WINDOW // 2, WINDOW // 2))
    spectrum = torch.stft(
        padded, WINDOW, hop, window=torch.hann_window(WINDOW), center=False, return_complex=True
    )
    power = _mel_filters(sample_rate_hz) @ spectrum.abs().square()
    return (10 * (power + 1e-12).log10()).numpy()[:, :COLUMNS]


def spectrogram_uri(levels: NDArray[np.float32], loudest_db: float, colour: str) -> str:
    """A PNG of `mel_levels` as a data URI: ground colour, the track's `colour`, then almost white."""
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.image import imsave

    stops = [(0.0, GROUND), (0.62, colour), (1.0, "#fffdf5")]
    colours = LinearSegmentedColormap.from_list("track", stops, N=48)  # few colours make a small file
    file = io.BytesIO()
    imsave(file, levels, cmap=colours, vmin=loudest_db - RANGE_DB, vmax=loudest_db, origin="lower")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


@lru_cache
def _mel_filters(sample_rate_hz: int) -> Tensor:
    """Triangles over the bins, `[M, F]`, each at least a bin wide and of unit weight."""
    bins_hz = np.fft.rfftfreq(WINDOW, 1 / sample_rate_hz)
    top_hz = min(HIGHEST_HZ, sample_rate_hz / 2)
    corners = _hz(np.linspace(_mel(LOWEST_HZ), _mel(top_hz), BANDS + 2))
    bin_hz = sample_rate_hz / WINDOW
    centre = corners[1:-1, None]
    below = np.maximum(centre - corners[:-2, None], bin_hz)
    above = np.maximum(corners[2:, None] - centre, bin_hz)
    offset = bins_hz - centre
    weights = np.maximum(0, 1 - np.where(offset < 0, -offset / below, offset / above))
    return torch.from_numpy((weights / weights.sum(1, keepdims=True)).astype(np.float32))


def _mel(hz: float) -> float:
    return 2595 * float(np.log10(1 + hz / 700))


def _hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return 700 * (10 ** (mel / 2595) - 1)

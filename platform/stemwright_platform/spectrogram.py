"""Spectrograms of samples beside the real song: log frequency, dB, one scale for all.

Axes: n audio sample, F frequency bin, M band, W picture column.
"""

from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stemwright_platform.picture_style import INK, SOFT, dress, new_figure, save

WINDOW = 4096
COLUMNS = 480
LOWEST_HZ, OCTAVES, BANDS_PER_OCTAVE = 40.0, 8.5, 12
"""To 14.5 kHz."""
RANGE_DB = 66.0
"""From the loudest to black."""
COLOURS = "magma"
TICKS_HZ = (50, 100, 200, 500, 1000, 2000, 5000, 10_000)

Levels = NDArray[np.float32]
"""dB [M, W], the lowest band first."""


def levels_of(audio: Tensor, sample_rate_hz: int) -> Levels:
    """Level of `[2, n]`, both channels together."""
    mono = torch.nn.functional.pad(audio.mean(0), (WINDOW // 2, WINDOW // 2))
    hop = max(1, audio.shape[1] // COLUMNS)
    window = torch.hann_window(WINDOW)
    spectrum = torch.stft(mono, WINDOW, hop, window=window, center=False, return_complex=True)
    power = _filters(sample_rate_hz) @ spectrum.abs().square()
    return (10 * (power + 1e-12).log10()).numpy()[:, :COLUMNS]


def draw_plain(levels: Levels, loudest_db: float, path: Path) -> Path:
    """Write the spectrogram alone, a pixel a value, as a PNG."""
    from matplotlib.image import imsave

    partial = path.with_name(f".{path.name}")
    low = loudest_db - RANGE_DB
    imsave(partial, levels, cmap=COLOURS, vmin=low, vmax=loudest_db, origin="lower", format="png")
    partial.replace(path)
    return path


def draw_pair(
    made: Levels, real: Levels, loudest_db: float, path: Path, *, title: str, duration_s: float
) -> Path:
    """Write what the model made beside the real song's, with axes, as a PNG."""
    figure = new_figure(11, 3.9, title)
    pair = figure.subplots(1, 2, sharey=True)
    image = None
    for axes, levels, name in zip(pair, (made, real), ("made", "the real song"), strict=True):
        image = axes.pcolormesh(
            np.linspace(0, duration_s, levels.shape[1] + 1),
            LOWEST_HZ * 2.0 ** (np.arange(len(levels) + 1) / BANDS_PER_OCTAVE),
            levels - loudest_db,
            cmap=COLOURS,
            vmin=-RANGE_DB,
            vmax=0,
        )
        dress(axes, name, x="s", y="Hz" if axes is pair[0] else "")
        axes.set_yscale("log")
        axes.set_yticks(TICKS_HZ, [f"{hz:,}" for hz in TICKS_HZ])
        axes.minorticks_off()
        axes.grid(False)
    assert image is not None
    bar = figure.colorbar(image, ax=pair, pad=0.012, fraction=0.025)
    bar.set_label("dB below the loudest", fontsize=9, color=SOFT)
    bar.ax.tick_params(labelsize=8, colors=SOFT, color=INK)
    return save(figure, path)


@lru_cache
def _filters(sample_rate_hz: int) -> Tensor:
    """Triangles over the bins, [M, F], each at least a bin wide and of unit weight."""
    bins_hz = np.fft.rfftfreq(WINDOW, 1 / sample_rate_hz)
    count = round(OCTAVES * BANDS_PER_OCTAVE)
    centres = LOWEST_HZ * 2.0 ** ((np.arange(count)[:, None] + 0.5) / BANDS_PER_OCTAVE)
    width = np.maximum(centres * (2.0 ** (1 / BANDS_PER_OCTAVE) - 1), sample_rate_hz / WINDOW)
    weights = np.maximum(0.0, 1 - np.abs(bins_hz - centres) / width)
    # a band above half the rate has no bins
    return torch.from_numpy((weights / np.maximum(weights.sum(1, keepdims=True), 1e-9)).astype(np.float32))

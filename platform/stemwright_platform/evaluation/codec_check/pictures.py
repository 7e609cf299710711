"""Spectrograms of a stem and of what each codec made of it, side by side: log frequency, dB, one scale."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from torch import Tensor

from stemwright.metrics.round_trip import RATE_HZ
from stemwright_platform.picture_style import INK, SOFT, dress, new_figure, save
from stemwright_platform.spectrogram import (
    BANDS_PER_OCTAVE,
    COLOURS,
    LOWEST_HZ,
    RANGE_DB,
    TICKS_HZ,
    levels_of,
)


def draw_copies(original: Tensor, copies: Mapping[str, Tensor], path: Path, *, title: str) -> Path:
    """Write `[2, n]` beside its copies, by codec, as a PNG."""
    panels = {"original": original, **copies}
    levels = {name: levels_of(audio, RATE_HZ) for name, audio in panels.items()}
    loudest = float(levels["original"].max())
    figure = new_figure(4 * len(panels) + 1, 3.9, title)
    row = figure.subplots(1, len(panels), sharey=True)
    image = None
    for axes, (name, level) in zip(row, levels.items(), strict=True):
        image = axes.pcolormesh(
            np.linspace(0, original.shape[1] / RATE_HZ, level.shape[1] + 1),
            LOWEST_HZ * 2.0 ** (np.arange(len(level) + 1) / BANDS_PER_OCTAVE),
            level - loudest,
            cmap=COLOURS,
            vmin=-RANGE_DB,
            vmax=0,
        )
        dress(axes, name, x="s", y="Hz" if axes is row[0] else "")
        axes.set_yscale("log")
        axes.set_yticks(TICKS_HZ, [f"{hz:,}" for hz in TICKS_HZ])
        axes.minorticks_off()
        axes.grid(False)
    assert image is not None
    bar = figure.colorbar(image, ax=list(row), pad=0.012, fraction=0.02)
    bar.set_label("dB below the original's loudest", fontsize=9, color=SOFT)
    bar.ax.tick_params(labelsize=8, colors=SOFT, color=INK)
    return save(figure, path)

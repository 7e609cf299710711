"""What is played in a stem, drawn like a piano roll, beside its spectrogram: made beside real.

Axes: n audio sample, P row (a semitone, or of drums a band), T picture column.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray
from torch import Tensor

from stemwright.metrics.coherence import has_pitch
from stemwright.metrics.harmony import HIGHEST_PITCH, LOWEST_PITCH, semitones
from stemwright_platform.picture_style import GROUND, HAIR, SOFT, dress, new_figure, save
from stemwright_platform.spectrogram import BANDS_PER_OCTAVE, COLOURS, LOWEST_HZ, RANGE_DB, levels_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

Roll = NDArray[np.float32]
"""dB below the loudest [P, T], the lowest row first."""

FRAME_RATE_HZ = 50
ROLL_DB = 36.0
"""From the loudest to the ground."""
NEIGHBOUR_DB = 12.0
"""What lies beside a louder semitone is its flank, and drawn so much fainter."""
OVERTONES = ((12, 9.0), (19, 9.0), (24, 12.0), (28, 14.0), (31, 15.0), (34, 16.0), (36, 16.0))
"""Semitones above a note, and how far below it, at least, an overtone there lies."""
BANDS_HZ = (35, 60, 100, 160, 250, 400, 630, 1000, 1600, 2500, 4000, 6300, 10_000, 14_500)
"""Rows of drums: kick below, snare and toms between, cymbals above."""
BAND_NAMES = ((1.0, "kick"), (4.5, "snare"), (11.5, "cymbals"))
WIDTH_IN, HEIGHT_IN = 5.6, 5.2
"""For two stems side by side; a phone shows it at two thirds."""
TEXT_PT = 9.5
FREQUENCIES = ((100, "100"), (1000, "1k"), (10_000, "10k"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Stem:
    """A stem to draw."""

    name: str
    """As "made" or "real"."""
    audio: Tensor
    """Float32 `[2, n]`."""
    bars_s: Sequence[float] = ()
    """Where bars begin; empty where that is unknown."""


def pitch_roll(audio: Tensor, sample_rate_hz: int) -> Roll:
    """Level of the notes of `[2, n]`, semitones from `LOWEST_PITCH` to `HIGHEST_PITCH`.

    Flanks of a note and its overtones are drawn fainter, so that what stands out is what is played.
    """
    amplitude = semitones(audio, sample_rate_hz, FRAME_RATE_HZ)
    level = 20 * np.log10(amplitude + 1e-7)
    around = np.pad(level, ((1, 1), (0, 0)), constant_values=-np.inf)
    is_flank = (level < around[2:]) | (level < around[:-2])
    fainter = np.where(is_flank, NEIGHBOUR_DB, 0.0)
    for above, below_db in OVERTONES:
        is_overtone = np.zeros_like(is_flank)
        is_overtone[above:] = level[above:] < level[:-above] - below_db + NEIGHBOUR_DB
        fainter = np.where(is_overtone, np.maximum(fainter, NEIGHBOUR_DB), fainter)
    return _below_loudest(level - fainter)


def stroke_roll(audio: Tensor, sample_rate_hz: int) -> Roll:
    """How strongly bands of `[2, n]` are struck: each band's rise in level, at the level that it reaches."""
    levels = levels_of(audio, sample_rate_hz)
    edges = np.searchsorted(LOWEST_HZ * 2.0 ** (np.arange(len(levels)) / BANDS_PER_OCTAVE), BANDS_HZ)
    power = np.stack([(10 ** (levels[low:high] / 10)).mean(0) for low, high in pairwise(edges)])
    level = 10 * np.log10(power + 1e-12)
    before = scipy.ndimage.minimum_filter1d(level, 7, axis=1, origin=3)
    rise = np.clip((level - before) / 12, 0, 1)
    # each band against its own loudest: cymbals are struck as surely as the kick, with far less power
    own = level - level.max(axis=1, keepdims=True)
    return _below_loudest((own - ROLL_DB * (1 - rise)).astype(np.float32))


def draw_stems(
    track: str, stems: Sequence[Stem], sample_rate_hz: int, path: Path, *, about: str = ""
) -> Path:
    """Write stems of one track side by side, as rolls and below as spectrograms, as a PNG."""
    height = HEIGHT_IN + (0.25 if about else 0)
    figure = new_figure(WIDTH_IN, height, track, about)
    grid = figure.subplots(2, len(stems), sharex=True, sharey="row", squeeze=False)
    for column, stem in enumerate(stems):
        draw_roll(grid[0, column], track, stem, sample_rate_hz, first=column == 0)
        _draw_spectrogram(grid[1, column], stem, sample_rate_hz, first=column == 0)
    return save(figure, path)


def draw_roll(axes: "Axes", track: str, stem: Stem, sample_rate_hz: int, *, first: bool = True) -> None:
    """One roll: notes of a track with pitch, strokes of drums; bar lines where they are known."""
    pitched = has_pitch(track)
    roll = (pitch_roll if pitched else stroke_roll)(stem.audio, sample_rate_hz)
    duration_s = stem.audio.shape[1] / sample_rate_hz
    bottom = LOWEST_PITCH if pitched else 0
    extent = (0, duration_s, bottom - 0.5, bottom + len(roll) - 0.5)
    axes.imshow(
        roll,
        origin="lower",
        aspect="auto",
        extent=extent,
        cmap=_ink(),
        vmin=-ROLL_DB,
        vmax=0,
        interpolation="nearest",
    )
    dress(axes, stem.name, y="" if not first else "note" if pitched else "stroke", size=TEXT_PT)
    if pitched:
        octaves = range(-(-LOWEST_PITCH // 12) * 12, HIGHEST_PITCH + 1, 12)
        axes.set_yticks(list(octaves), [f"C{pitch // 12 - 1}" for pitch in octaves])
    else:
        axes.set_yticks([row for row, _ in BAND_NAMES], [name for _, name in BAND_NAMES])
    axes.grid(axis="x", visible=False)
    _draw_bars(axes, stem, duration_s, SOFT)


def _draw_spectrogram(axes: "Axes", stem: Stem, sample_rate_hz: int, *, first: bool) -> None:
    levels = levels_of(stem.audio, sample_rate_hz)
    duration_s = stem.audio.shape[1] / sample_rate_hz
    extent = (0, duration_s, 0, len(levels))
    axes.imshow(
        _below_loudest(levels),
        origin="lower",
        aspect="auto",
        extent=extent,
        cmap=COLOURS,
        vmin=-RANGE_DB,
        vmax=0,
        interpolation="nearest",
    )
    dress(axes, x="s", y="Hz" if first else "", size=TEXT_PT)
    places = [BANDS_PER_OCTAVE * np.log2(hz / LOWEST_HZ) for hz, _ in FREQUENCIES]
    axes.set_yticks(places, [name for _, name in FREQUENCIES])
    axes.grid(False)
    _draw_bars(axes, stem, duration_s, HAIR)


def _draw_bars(axes: "Axes", stem: Stem, duration_s: float, colour: str) -> None:
    for second in stem.bars_s:
        if 0 <= second < duration_s:
            axes.axvline(second, color=colour, linewidth=0.7, alpha=0.55)
    axes.set_xlim(0, duration_s)


def _below_loudest(level: NDArray[np.floating]) -> Roll:
    """Silence stays at the bottom."""
    return (level - max(float(level.max()), -80.0)).astype(np.float32)


def _ink() -> "Colormap":
    """From the ground through blue to almost black."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("ink", [GROUND, "#c9d2f6", "#5b6fe0", "#26318a", "#10132f"])


def bar_lines(downbeats_s: Sequence[float], start_s: float, duration_s: float) -> tuple[float, ...]:
    """The bars of a song that begin in a window of it, from the window's start."""
    return tuple(beat - start_s for beat in downbeats_s if 0 <= beat - start_s < duration_s)

"""Where bars and beats are: told to the model in words, heard by it as clocks.

Axes: B batch, S latent frame, C clock channel.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from stemwright.errors import InputError

BEAT_HARMONICS = (1, 2, 3, 4)
"""Clocks a beat: beats, eighths, triplets, sixteenths."""
BAR_HARMONICS = (1, 2)
"""Clocks a bar: bars and half bars."""
NUM_CLOCKS = 2 * (len(BEAT_HARMONICS) + len(BAR_HARMONICS)) + 1
"""C: cosine and sine of each clock, and whether there is a grid at all."""
STEADY = 0.015
"""Bars that differ by more than this share are no grid: tempo or metre changes."""
_PHRASE = re.compile(r"[\s,]*\b(\d{1,2})/4 at (\d+(?:\.\d+)?) bpm, bar at (\d+(?:\.\d+)?) s\b", re.IGNORECASE)
_TEMPO = re.compile(r"\b(\d{2,3}(?:\.\d+)?) ?bpm\b", re.IGNORECASE)
_METRE = re.compile(r"\b([2-9]|1[0-2])/4\b")


@dataclass(frozen=True, kw_only=True, slots=True)
class BeatGrid:
    """A steady beat."""

    tempo_bpm: float
    """Quarter notes a minute."""
    beats_per_bar: int = 4
    """Quarter notes a bar."""
    bar_s: float = 0.0
    """Where a bar begins, in seconds from the first frame."""

    def __post_init__(self) -> None:
        if not 20 <= self.tempo_bpm <= 400:
            raise InputError(f"the tempo must lie between 20 and 400 bpm, got {self.tempo_bpm:g}")
        if not 1 <= self.beats_per_bar <= 12:
            raise InputError(f"a bar has 1 to 12 beats, got {self.beats_per_bar}")
        if not 0 <= self.bar_s < 3600:
            raise InputError(f"a bar begins at 0 s or later, got {self.bar_s:g}")

    @property
    def phrase(self) -> str:
        """The grid in the words that the model is taught."""
        return f"{self.beats_per_bar}/4 at {self.tempo_bpm:.2f} bpm, bar at {self.bar_s:.3f} s"

    def told(self, prompt: str) -> str:
        """A prompt with the grid behind it."""
        return f"{prompt}, {self.phrase}" if prompt else self.phrase


def grid_of_window(
    downbeats_s: Sequence[float], tempo_bpm: float | None, start_s: float, duration_s: float
) -> BeatGrid | None:
    """The grid of a window of a song, counted from the window's start.

    None where fewer than two bars are known there, or they are not steady.
    """
    beats = np.asarray(downbeats_s, np.float64)
    first, last = np.searchsorted(beats, (start_s, start_s + duration_s))
    near = beats[max(first - 1, 0) : last + 1]
    if len(near) < 2:
        return None
    bars = np.diff(near)
    bar = float(np.median(bars))
    if bar <= 0 or float(np.abs(bars / bar - 1).max()) > STEADY:
        return None
    per_bar = round(bar * tempo_bpm / 60) if tempo_bpm else 4
    tempo = 60 * per_bar / bar
    if not 1 <= per_bar <= 12 or not 20 <= tempo <= 400:
        return None
    offset = float(np.mean(near - bar * np.arange(len(near)))) - start_s
    return BeatGrid(tempo_bpm=tempo, beats_per_bar=per_bar, bar_s=round(offset % bar, 3))


def read_grid(prompt: str) -> tuple[BeatGrid | None, str]:
    """The grid that a prompt tells, and the prompt without it."""
    found = _PHRASE.search(prompt)
    if found is None:
        return None, prompt
    per_bar, tempo, bar_s = int(found[1]), float(found[2]), float(found[3])
    rest = (prompt[: found.start()] + prompt[found.end() :]).strip(" ,")
    return BeatGrid(tempo_bpm=tempo, beats_per_bar=per_bar, bar_s=bar_s), rest


def named_tempo_bpm(prompt: str) -> float | None:
    """The tempo that a prompt names, as "120 bpm"; None where it names none that music has."""
    found = _TEMPO.search(prompt)
    tempo = float(found[1]) if found else math.nan
    return tempo if 20 <= tempo <= 400 else None


def with_first_bar(prompt: str) -> str:
    """A prompt for music made from nothing: a bar begins at once, in the tempo and metre that it names.

    A prompt that tells a grid, or names no tempo, stays as it is.
    """
    tempo, metre = named_tempo_bpm(prompt), _METRE.search(prompt)
    if tempo is None or read_grid(prompt)[0]:
        return prompt
    return BeatGrid(tempo_bpm=tempo, beats_per_bar=int(metre[1]) if metre else 4).told(prompt)


def clocks(
    beat_hz: Tensor, beats_per_bar: Tensor, bar_s: Tensor, frames: int, frame_rate_hz: float
) -> Tensor:
    """Clocks `[B, S, C]` of grids, each argument `[B]`; all zero where `beat_hz` is 0: no grid is known.

    The k-th clock of a beat is the cosine and sine of k turns a beat, 0 where a bar begins.
    """
    known = beat_hz > 0
    time_s = (torch.arange(frames, device=beat_hz.device) + 0.5) / frame_rate_hz
    beats = (time_s - bar_s[:, None]) * beat_hz[:, None]
    bars = beats / beats_per_bar.clamp(min=1)[:, None]
    turns = [harmonic * beats for harmonic in BEAT_HARMONICS] + [
        harmonic * bars for harmonic in BAR_HARMONICS
    ]
    angle = 2 * math.pi * torch.stack(turns, dim=-1)
    there = known[:, None, None].to(angle.dtype)
    return torch.cat([angle.cos(), angle.sin(), torch.ones_like(angle[..., :1])], dim=-1) * there

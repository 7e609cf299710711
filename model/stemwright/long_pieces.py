"""Pieces longer than the windows that a model learned from: made window by window, each of them given the end
of what was made before it (continuation by in-context learning, as JEN-1, Li 2024).

Axes: K track, D latent channel, S latent frame.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from stemwright.beat_grid import read_grid
from stemwright.sampler import Rows, Sampling
from stemwright.tasks import Task

CONTEXT = 1 / 3
"""Share of a window, at least, that is given from the window before."""

Begin = Callable[[range, Tensor, Tensor | None], Sampling]
"""Window, its latents [1, K, D, S'], its known frames [S'] or None → its sampling."""


def piece_windows(num_frames: int, longest: int, segment: int = 1) -> list[range]:
    """Frames of each window, all of one length, spread evenly; one window where the piece fits into it.

    `longest`: of a window, `segment`: windows begin and end at multiples of it, as does the piece.
    """
    longest = longest // segment * segment
    if num_frames <= longest or longest == 0:
        return [range(num_frames)]
    hop = max(int(longest * (1 - CONTEXT)) // segment, 1) * segment
    beyond = num_frames - longest
    count = 1 + -(-beyond // hop)
    starts = [number * beyond // (count - 1) // segment * segment for number in range(count)]
    return [range(start, start + longest) for start in starts]


def window_prompts(prompt: str, windows: Sequence[range], frame_rate_hz: float) -> list[str]:
    """The prompt for each window: where it tells a beat grid, counted from the window's start."""
    grid, rest = read_grid(prompt)
    if grid is None:
        return [prompt] * len(windows)
    bar_s = 60 * grid.beats_per_bar / grid.tempo_bpm
    bars = [(grid.bar_s - window.start / frame_rate_hz) % bar_s for window in windows[1:]]
    return [prompt, *(replace(grid, bar_s=bar).told(rest) for bar in bars)]


class PieceSampling:
    """The windows of a piece one after another, stepped like a single `Sampling`."""

    def __init__(
        self,
        task: Task,
        latents: Tensor,
        windows: Sequence[range],
        begin: Begin,
        known: Tensor | None = None,
    ) -> None:
        """`latents`: normalised [1, K, D, S] of the given tracks, and of the targets' `known` frames [S]."""
        heard = (task.target_mask | task.given_mask).to(latents.device)[:, None, None]
        self._latents = torch.where(heard, latents, torch.zeros_like(latents))
        self._known = torch.zeros(latents.shape[-1], dtype=torch.bool)
        if known is not None:
            self._known |= known.cpu()
        self._begin = begin
        self._windows = _with_news(windows, self._known)
        self._made = 0
        self._sampling = self._next()

    @property
    def step(self) -> int:
        """Of all windows together."""
        return self._made * self._sampling.num_steps + (0 if self.done else self._sampling.step)

    @property
    def num_steps(self) -> int:
        return len(self._windows) * self._sampling.num_steps

    @property
    def done(self) -> bool:
        return self._made == len(self._windows)

    @property
    def num_rows(self) -> int:
        return self._sampling.num_rows

    @property
    def row_shape(self) -> tuple[int, ...]:
        return self._sampling.row_shape

    def rows(self) -> Rows:
        """Of the current step of the current window."""
        return self._sampling.rows()

    def advance(self, eps: Tensor) -> None:
        """Take one step; after a window's last the next begins."""
        self._sampling.advance(eps)
        if self._sampling.done:
            window = self._windows[self._made]
            self._latents[..., window.start : window.stop] = self._sampling.result()
            self._known[window.start : window.stop] = True
            self._made += 1
            if not self.done:
                self._sampling = self._next()

    def result(self) -> Tensor:
        """Latents [1, K, D, S]: targets as made so far, given slots and known frames bit-identical, absent
        slots zero."""
        return self._latents

    def _next(self) -> Sampling:
        window = self._windows[self._made]
        inside = slice(window.start, window.stop)
        known = self._known[inside]
        return self._begin(window, self._latents[..., inside], known if known.any() else None)


def _with_news(windows: Sequence[range], known: Tensor) -> list[range]:
    """Windows in which something is left to make once those before them are made."""
    starts = [0, *(before.stop for before in windows[:-1])]
    fresh = [range(start, window.stop) for start, window in zip(starts, windows, strict=True)]
    return [
        window for window, news in zip(windows, fresh, strict=True) if not known[news.start : news.stop].all()
    ] or [windows[0]]

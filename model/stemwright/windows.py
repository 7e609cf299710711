"""Which window of which song a training step reads, as a pure function of seed, step and worker.

A run is one endless row of samples. Sample number p belongs to step p // global batch; the workers share a
step's samples in order. So a run can resume at any step, and n workers of batch b read exactly what one
worker of batch n·b reads. In the row a data set's songs follow each other epoch after epoch, each epoch a
fresh permutation of all songs, one window a song; several data sets take turns by `Shares`.

Axes: B batch, K track, D latent channel, S latent frame.
"""

import queue
import threading
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray

from stemwright.batch import Batch
from stemwright.beat_grid import grid_of_window
from stemwright.buckets import bucket
from stemwright.data_mix import DataMix
from stemwright.errors import InputError
from stemwright.latent_dataset import Slice
from stemwright.prompts import prompt_text
from stemwright.shares import Shares
from stemwright.song_index import IndexedSong

PROMPT_VARIANTS = 8
"""Texts a song: few enough that a small corpus' embeddings can be kept."""
TELLS_GRID = 0.75
"""How often a prompt says where bars are: the model must do without, too."""
STARTS, PERMUTATION = 1, 2  # independent random streams of one seed


@dataclass(frozen=True, slots=True)
class Window:
    """One sample of the run."""

    part: int
    """Which of the data sets with songs in the split the song is from."""
    song: IndexedSong
    start_frame: int
    """A multiple of the codec's segment."""
    num_frames: int
    """The length of the step's windows; the song may end before."""
    prompt: str

    @property
    def slice(self) -> Slice:
        """What there is of the song in the window."""
        length = min(self.num_frames, self.song.num_frames - self.start_frame)
        return Slice(self.song.song_id, self.start_frame, length)


class Windows:
    """Windows of one split of one or several data sets, in batches."""

    def __init__(
        self,
        data: DataMix,
        split: str,
        *,
        lengths: Sequence[int],
        batch_size: int,
        seed: int,
        rank: int = 0,
        world_size: int = 1,
        present: int | None = None,
        tells_grid: bool = False,
    ) -> None:
        """`lengths`: the buckets, in frames; a step's windows all have one of them.

        `batch_size` is this worker's B; all `world_size` workers take the same one. `present`: how many of
        them are there, all by default; they read the batches of the others too. `tells_grid`: whether
        prompts say where bars are, in most windows of songs of which it is known. Raises InputError where
        the split has no song.
        """
        assert lengths
        assert min(lengths) > 0
        assert batch_size > 0
        present = present or world_size
        assert 0 <= rank < present <= world_size
        self.data = data
        self.lengths = tuple(lengths)
        self.batch_size = batch_size
        self.seed = seed
        self.ranks = range(rank, world_size, present)
        self.world_size = world_size
        self.tells_grid = tells_grid
        self.parts = data.parts(split)
        if not self.parts:
            raise InputError(f"{data} has no song in the split '{split}': add songs and prepare again")
        self._shares = Shares.of([part.weight for part in self.parts])

    def __len__(self) -> int:
        """Windows an epoch, over all workers: one a song."""
        return sum(len(part.songs) for part in self.parts)

    @property
    def steps_per_epoch(self) -> int:
        """Steps with a window for every song; the last of them may begin the next epoch."""
        return -(-len(self) // (self.batch_size * self.world_size))

    def num_frames(self, step: int) -> int:
        """S of a step's batches, on every worker."""
        return bucket(self.lengths, self.seed, step)

    def batch(self, step: int) -> Batch:
        """What this worker reads at a step, 0 the first: its own B windows, then those of workers away."""
        firsts = [(step * self.world_size + rank) * self.batch_size for rank in self.ranks]
        sample_ids = [first + row for first in firsts for row in range(self.batch_size)]
        windows = [self.window(sample_id) for sample_id in sample_ids]
        lengths = torch.tensor([window.slice.num_frames for window in windows])
        frame_mask = torch.arange(self.num_frames(step)) < lengths[:, None]
        return Batch(
            latents=self._read(windows),
            presence=torch.tensor([window.song.presence for window in windows]),
            frame_mask=None if bool(frame_mask.all()) else frame_mask,
            prompts=tuple(window.prompt for window in windows),
            sample_ids=torch.tensor(sample_ids),
        )

    def window(self, sample_id: int) -> Window:
        """The window of a sample of the run, whichever worker reads it."""
        number, place = self._shares.place(self.seed, sample_id)
        part = self.parts[number]
        epoch, position = divmod(place, len(part.songs))
        song = part.songs[_permutation(self.seed, number, epoch, len(part.songs))[position]]
        num_frames = self.num_frames(sample_id // (self.batch_size * self.world_size))
        segment = part.dataset.info.segment_frames
        rng = np.random.default_rng((self.seed, STARTS, sample_id))
        # a song that is no longer than the window starts where it starts, and is padded
        start = segment * int(rng.integers(max(0, song.num_frames - num_frames) // segment + 1))
        prompt = prompt_text(song.metadata, int(rng.integers(PROMPT_VARIANTS)), self.seed)
        if self.tells_grid and rng.random() < TELLS_GRID:
            rate_hz = part.dataset.info.frame_rate_hz
            grid = grid_of_window(
                song.downbeats_s, song.metadata.tempo_bpm, start / rate_hz, num_frames / rate_hz
            )
            prompt = grid.told(prompt) if grid else prompt
        return Window(number, song, start, num_frames, prompt)

    def _read(self, windows: Sequence[Window]) -> torch.Tensor:
        """Latents `[B, K, D, S]`, float16."""
        latents = self.parts[0].dataset.empty(len(windows), windows[0].num_frames)
        for number, part in enumerate(self.parts):
            rows = [row for row, window in enumerate(windows) if window.part == number]
            if rows:
                part.dataset.read_slices([windows[row].slice for row in rows], [latents[row] for row in rows])
        return latents

    def batches(self, start_step: int, prefetch: int = 2) -> Generator[tuple[int, Batch], None, None]:
        """`(step, batch)` from a step on, without end, read ahead by a thread that ends with the iterator."""
        ready: queue.Queue[tuple[int, Batch] | BaseException] = queue.Queue(maxsize=max(1, prefetch))
        closing = threading.Event()
        reader = threading.Thread(
            target=self._read_ahead, args=(start_step, ready, closing), name="windows", daemon=True
        )
        reader.start()
        try:
            while True:
                item = ready.get()
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            closing.set()
            while not ready.empty():
                ready.get_nowait()
            reader.join()

    def _read_ahead(
        self, step: int, ready: "queue.Queue[tuple[int, Batch] | BaseException]", closing: threading.Event
    ) -> None:
        while not closing.is_set():
            try:
                item: tuple[int, Batch] | BaseException = (step, self.batch(step))
            except Exception as error:
                item = error
            while not closing.is_set():
                try:
                    ready.put(item, timeout=0.1)
                    break
                except queue.Full:
                    continue
            if isinstance(item, BaseException):
                return
            step += 1


@lru_cache(maxsize=16)
def _permutation(seed: int, part: int, epoch: int, length: int) -> NDArray[np.int64]:
    return np.random.default_rng((seed, PERMUTATION, part, epoch)).permutation(length)

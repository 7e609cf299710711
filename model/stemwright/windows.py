"""Which window of which song a training step reads, as a pure function of seed, step and worker.

A run is one endless row of samples: epoch after epoch, each a fresh permutation of all windows. Sample
number p belongs to step p // global batch; the workers share a step's samples in order. So a run can
resume at any step, and n workers of batch b read exactly what one worker of batch n·b reads.

Axes: B batch, K track, D latent channel, S latent frame.
"""

import queue
import threading
from collections.abc import Generator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray

from stemwright.batch import Batch
from stemwright.errors import InputError
from stemwright.latent_shards import LatentDataset, LatentSong
from stemwright.prompts import prompt_text

PROMPT_VARIANTS = 8
"""Texts a song: few enough that their embeddings can be kept."""
STARTS, PERMUTATION = 1, 2  # independent random streams of one seed


@dataclass(frozen=True, slots=True)
class Window:
    """One sample of one epoch."""

    song: LatentSong
    start_frame: int
    """A multiple of the codec's segment."""
    prompt: str


class Windows:
    """Windows of one split of a data set, in batches."""

    def __init__(
        self,
        dataset: LatentDataset,
        split: str,
        *,
        num_frames: int,
        batch_size: int,
        seed: int,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        """`batch_size` is this worker's B; all `world_size` workers take the same one.

        Raises InputError where the split has no song.
        """
        assert num_frames > 0
        assert batch_size > 0
        assert 0 <= rank < world_size
        self.dataset = dataset
        self.num_frames = num_frames
        self.batch_size = batch_size
        self.seed = seed
        self.rank = rank
        self.world_size = world_size
        self._songs = dataset.songs(split)
        if not self._songs:
            raise InputError(
                f"{dataset.folder} has no song in the split '{split}': add songs and prepare again"
            )
        # A song of n whole windows gives n an epoch; a shorter one gives one, padded.
        counts = [max(1, dataset.num_frames(song.song_id) // num_frames) for song in self._songs]
        self._ends = np.cumsum(counts)

    def __len__(self) -> int:
        """Windows an epoch, over all workers."""
        return int(self._ends[-1])

    @property
    def steps_per_epoch(self) -> int:
        """Steps that see every window once; the last of them may begin the next epoch."""
        return -(-len(self) // (self.batch_size * self.world_size))

    def batch(self, step: int) -> Batch:
        """What this worker reads at a step, 0 the first."""
        first = (step * self.world_size + self.rank) * self.batch_size
        sample_ids = range(first, first + self.batch_size)
        windows = [self.window(sample_id) for sample_id in sample_ids]
        info = self.dataset.info
        latents = torch.zeros(self.batch_size, len(info.track_names), info.latent_dim, self.num_frames)
        frame_mask = torch.zeros(self.batch_size, self.num_frames, dtype=torch.bool)
        for row, window in enumerate(windows):
            length = min(self.num_frames, self.dataset.num_frames(window.song.song_id) - window.start_frame)
            latents[row, ..., :length] = self.dataset.read(window.song.song_id, window.start_frame, length)
            frame_mask[row, :length] = True
        return Batch(
            latents=latents,
            presence=torch.tensor([window.song.presence for window in windows]),
            frame_mask=None if bool(frame_mask.all()) else frame_mask,
            prompts=tuple(window.prompt for window in windows),
            sample_ids=torch.tensor(sample_ids),
        )

    def window(self, sample_id: int) -> Window:
        """The window of a sample of the run, whichever worker reads it."""
        epoch, position = divmod(sample_id, len(self))
        index = int(_permutation(self.seed, epoch, len(self))[position])
        number = int(np.searchsorted(self._ends, index, side="right"))
        song = self._songs[number]
        first, end = (int(self._ends[number - 1]) if number else 0), int(self._ends[number])
        rng = np.random.default_rng((self.seed, STARTS, epoch, index))
        start = self._start(song, index - first, end - first, rng)
        variant = int(rng.integers(PROMPT_VARIANTS))
        return Window(song, start, prompt_text(song.metadata, variant, self.seed))

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

    def _start(self, song: LatentSong, part: int, parts: int, rng: np.random.Generator) -> int:
        """A random start in the song's `part` of `parts`: over the epochs every start is equally likely."""
        segment = self.dataset.info.segment_frames
        slack = self.dataset.num_frames(song.song_id) - self.num_frames
        num_starts = max(0, slack) // segment + 1
        low, high = part * num_starts // parts, (part + 1) * num_starts // parts
        return segment * int(rng.integers(low, max(high, low + 1)))

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


@lru_cache(maxsize=4)
def _permutation(seed: int, epoch: int, length: int) -> NDArray[np.int64]:
    return np.random.default_rng((seed, PERMUTATION, epoch)).permutation(length)

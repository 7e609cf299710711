"""A prepared data set, read at random: which songs it has, and any slice of their latents.

Axes: B batch, K track, D latent channel, S latent frame, G chunk.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from stemwright.data_folder import DataFolder
from stemwright.dataset_info import DatasetInfo
from stemwright.errors import InputError
from stemwright.latent_stats import LatentMoments, LatentStats
from stemwright.quantisation import dequantise
from stemwright.shard_bytes import ByteRange, shard_bytes
from stemwright.shard_layout import PREFIX_BYTES, ShardLayout
from stemwright.song_index import IndexedSong, read_song_index

MAX_THREADS = 8
WORTH_THREADS = 8 << 20
"""Bytes of latents from which copying is shared out among threads."""


class Slice(NamedTuple):
    """A part of a song."""

    song_id: str
    start_frame: int
    num_frames: int


class LatentDataset:
    """Songs and latents of a folder, local or in a store. Pickles and forks; several threads may read.

    Opening it reads dataset.json and songs.parquet; a shard's footer is read when a song of it is.
    """

    def __init__(self, folder: str | os.PathLike[str] | DataFolder) -> None:
        """A path or any fsspec URL. InputError where it is not a whole data set."""
        self.folder = DataFolder.of(folder)
        self.info = DatasetInfo.load(self.folder)
        songs = read_song_index(self.folder)
        self._songs = {song.song_id: song for song in sorted(songs, key=lambda song: song.song_id)}
        self._check(songs)
        self._forget_files()

    def songs(self, split: str | None = None) -> tuple[IndexedSong, ...]:
        """Songs of a split (of every split by default), ordered by name."""
        return tuple(song for song in self._songs.values() if split in (None, song.split))

    def num_frames(self, song_id: str) -> int:
        """Length of a song in latent frames."""
        return self._songs[song_id].num_frames

    def moments(self) -> LatentMoments:
        """What the statistics of the training split are made from."""
        return LatentMoments.load(self.folder, self.info.stats)

    def stats(self) -> LatentStats:
        """The statistics of the training split."""
        return self.moments().stats()

    def read(self, song_id: str, start_frame: int, num_frames: int) -> Tensor:
        """Latents `[K, D, S]`, float16, S = num_frames; the slice must lie within the song."""
        latents = self.empty(1, num_frames)
        self.read_slices([Slice(song_id, start_frame, num_frames)], [latents[0]])
        return latents[0]

    def read_slices(self, slices: Sequence[Slice], out: Sequence[Tensor]) -> None:
        """The latents of slices, all fetched at once, into float16 tensors `[K, D, S]`.

        A slice that is shorter than its tensor ends in zeros. Raises InputError where a shard is missing or
        is not the one that songs.parquet describes.
        """
        self._know_layouts({self._songs[part.song_id].shard for part in slices})
        ranges = [self._range(part) for part in slices]
        buffers = self._bytes.read(ranges)
        work = list(zip(slices, buffers, (start for _, start, _ in ranges), out, strict=True))
        threads = min(torch.get_num_threads(), MAX_THREADS, len(out))
        # torch has threads of its own for 8-bit latents, and many more where several threads call it
        if threads == 1 or self._quantised or sum(latents.nbytes for latents in out) < WORTH_THREADS:
            for arguments in work:
                self._decode(*arguments)
            return
        # ended with the call: threads that stay would be lost in a fork
        with ThreadPoolExecutor(threads) as pool:
            for done in [pool.submit(self._decode, *arguments) for arguments in work]:
                done.result()

    def empty(self, size: int, num_frames: int) -> Tensor:
        """Room for slices: float16 `[B, K, D, S]`."""
        shape = (size, len(self.info.track_names), self.info.latent_dim, num_frames)
        # NumPy asks for huge pages: with small ones, taking the memory costs more than filling it
        return torch.from_numpy(np.empty(shape, np.float16))

    @property
    def _quantised(self) -> bool:
        return self.info.storage == "int8"

    def _chunk_bytes(self, num_frames: int) -> int:
        values = len(self.info.track_names) * self.info.latent_dim * num_frames
        return values if self._quantised else 2 * values

    def _chunk_frames(self, song: IndexedSong, chunk: int) -> int:
        """Length of a song's chunk."""
        return min(self.info.chunk_frames, song.num_frames - chunk * self.info.chunk_frames)

    def _range(self, part: Slice) -> ByteRange:
        """The bytes that hold all chunks of a slice."""
        song = self._songs[part.song_id]
        end_frame = part.start_frame + part.num_frames
        assert 0 <= part.start_frame < end_frame <= song.num_frames, part
        layout = self._layouts[song.shard]
        first, last = (frame // self.info.chunk_frames for frame in (part.start_frame, end_frame - 1))
        if song.row_group + last >= len(layout.ends):
            raise self._stale(song.shard)
        start = layout.start(song.row_group + first, self._chunk_bytes(self._chunk_frames(song, first)))
        end = layout.end(song.row_group + last, quantised=self._quantised)
        return ByteRange(self.info.shards[song.shard], start, end)

    def _decode(self, part: Slice, buffer: Any, base: int, out: Tensor) -> None:
        """The slice's latents, into `[K, D, S]`, from a buffer that begins at byte `base` of the shard."""
        song = self._songs[part.song_id]
        end_frame, step = part.start_frame + part.num_frames, self.info.chunk_frames
        for chunk in range(part.start_frame // step, (end_frame - 1) // step + 1):
            begin = chunk * step
            first, last = max(part.start_frame, begin), min(end_frame, begin + step)
            place = out[..., first - part.start_frame : last - part.start_frame]
            self._copy_chunk(song, chunk, buffer, base, slice(first - begin, last - begin), place)
        out[..., part.num_frames :] = 0

    def _copy_chunk(
        self, song: IndexedSong, chunk: int, buffer: Any, base: int, frames: slice, out: Tensor
    ) -> None:
        """Some frames of a chunk, into `[K, D, S]`."""
        layout, row_group = self._layouts[song.shard], song.row_group + chunk
        num_frames = self._chunk_frames(song, chunk)
        size = self._chunk_bytes(num_frames)
        start = layout.start(row_group, size) - base
        if start < 0 or int.from_bytes(buffer[start : start + PREFIX_BYTES], "little") != size:
            raise self._stale(song.shard)
        tracks, dim = len(self.info.track_names), self.info.latent_dim
        kind = np.uint8 if self._quantised else np.float16
        values = np.frombuffer(buffer, kind, tracks * dim * num_frames, start + PREFIX_BYTES)
        values = values.reshape(tracks, dim, num_frames)[..., frames]
        if not self._quantised:
            out.numpy()[...] = values
            return
        scale, offset = (
            np.frombuffer(buffer, np.float16, tracks * dim, int(end) - base - 2 * tracks * dim)
            for end in layout.ends[row_group, 1:]
        )
        bounds = (torch.from_numpy(part.copy()).view(tracks, dim) for part in (scale, offset))
        out.copy_(dequantise(torch.from_numpy(values.copy()), *bounds))

    def _know_layouts(self, shards: set[int]) -> None:
        """Read the footers of shards seen for the first time, all at once."""
        new = sorted(shards - self._layouts.keys())
        names = [self.info.shards[shard] for shard in new]
        try:
            footers = self._bytes.footers(names)
        except FileNotFoundError as error:
            raise InputError(f"{self.folder}: a shard is missing ({error}): prepare again") from None
        for shard, footer in zip(new, footers, strict=True):
            try:
                self._layouts[shard] = ShardLayout.of(footer)
            except (ValueError, OSError) as error:
                path = self.folder / self.info.shards[shard]
                raise InputError(f"cannot read the shard {path} ({error}): prepare again") from None

    def _stale(self, shard: int) -> InputError:
        return InputError(
            f"{self.folder / self.info.shards[shard]} is not the shard that songs.parquet describes: "
            "prepare again"
        )

    def _check(self, songs: Sequence[IndexedSong]) -> None:
        info = self.info
        if info.storage not in ("float16", "int8"):
            raise InputError(
                f"{self.folder} keeps latents as '{info.storage}', which this release cannot read"
            )
        if len(songs) != len(self._songs) or any(
            not 0 <= song.shard < len(info.shards)
            or song.num_frames < 1
            or len(song.presence) != len(info.track_names)
            for song in songs
        ):
            raise InputError(f"{self.folder}: songs.parquet does not fit dataset.json: prepare again")

    def _forget_files(self) -> None:
        self._bytes = shard_bytes(self.folder)
        self._layouts: dict[int, ShardLayout] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("_bytes", "_layouts")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._forget_files()

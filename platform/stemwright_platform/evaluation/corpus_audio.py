"""What the corpus itself sounds like in a clip: recorded, through the codec, or put together from strangers.

Axes: n audio sample.
"""

import math
from collections.abc import Mapping
from functools import lru_cache

import torch
from torch import Tensor

from stemwright.errors import InputError
from stemwright.latent_dataset import LatentDataset
from stemwright.mixing import fitted
from stemwright.stem_coder import StemCoder
from stemwright.tasks import Task
from stemwright_platform.corpus.manifest import Song
from stemwright_platform.corpus.stem_audio import read_stem
from stemwright_platform.evaluation.clip import Clip

ROUNDING = 1e-6
"""Segments by which a time may miss a boundary that it stands for."""


class CorpusAudio:
    """Stems of clips of a data set, at the level of their recordings."""

    def __init__(
        self, dataset: LatentDataset, coder: StemCoder, manifest: Mapping[str, Song] | None = None
    ) -> None:
        """`manifest`: the recordings by song_id; without it there are only latents to decode."""
        self._dataset, self._coder, self._manifest = dataset, coder, manifest
        self._songs = {song.song_id: song for song in dataset.songs()}

    @property
    def has_recordings(self) -> bool:
        return self._manifest is not None

    @property
    def sample_rate_hz(self) -> int:
        return self._coder.codec.sample_rate_hz

    def heard(self, clip: Clip) -> dict[str, Tensor]:
        """The recordings where there are any, else what the codec makes of them."""
        return self.recorded(clip) if self.has_recordings else self.round_trip(clip)

    def recorded(self, clip: Clip) -> dict[str, Tensor]:
        """Stems `[2, n]`. InputError, naming the file, where one cannot be read."""
        assert self._manifest is not None
        if (song := self._manifest.get(clip.song)) is None:
            raise InputError(f"the manifest has no song '{clip.song}': give the one the data was made from")
        start = round(clip.start_s * self.sample_rate_hz)
        length = self._coder.num_samples(clip.duration_s)
        whole = {name: _track(song.tracks.get(name) or (), self.sample_rate_hz) for name in clip.tracks}
        return {name: fitted(audio[:, start:], length) for name, audio in whole.items()}

    def round_trip(self, clip: Clip) -> dict[str, Tensor]:
        """Stems `[2, n]` decoded from the data set's own latents."""
        info, song, coder = self._dataset.info, self._songs[clip.song], self._coder
        begin_s, end_s = clip.start_s, clip.start_s + clip.duration_s
        segment_s = info.segment_frames / info.frame_rate_hz
        first = math.floor(begin_s / segment_s + ROUNDING) * info.segment_frames
        last = min(math.ceil(end_s / segment_s - ROUNDING) * info.segment_frames, song.num_frames)
        latents = self._dataset.read(clip.song, first, last - first)[None].float()
        gains = dict(zip(coder.tracks.names, song.gains_db, strict=True))
        task = Task(clip.tracks, tracks=coder.tracks)
        length_s = (last - first) / info.frame_rate_hz
        whole = coder.decode(coder.stats.normalise(latents), task, length_s, gains)
        start = round((begin_s - first / info.frame_rate_hz) * self.sample_rate_hz)
        length = coder.num_samples(clip.duration_s)
        return {name: fitted(audio[:, start:], length) for name, audio in whole.items()}


@lru_cache(maxsize=8)
def _track(paths: tuple[str, ...], sample_rate_hz: int) -> Tensor:
    """A whole track; clips of a song come one after the other."""
    return read_stem(paths, sample_rate_hz) if paths else torch.zeros(2, 1)

"""One song's stems as latents, slice by slice: decode, resample, level, encode. No Ray.

Axes: K track, D latent channel, S latent frame, n samples.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from stemwright.codec import Codec
from stemwright.errors import InputError
from stemwright.latent_shards import LatentSong
from stemwright.loudness import LoudnessMeter, matching_gain_db
from stemwright.tracks import TRACKS, Tracks
from stemwright_platform.corpus.manifest import Song
from stemwright_platform.corpus.stem_audio import Audio, StemAudio

MIN_DURATION_S = 1.0
SOUNDING_DBFS = -60.0
"""A frame sounds when its stem, once levelled, is above this root mean square."""
SLICE_S = 5.0
"""Stems are encoded in slices: hours need no more memory than minutes, and the work stays in cache."""
_MEASURED_AT_ONCE = 1 << 18


@dataclass(frozen=True, kw_only=True, slots=True)
class LatentSlice:
    """Some consecutive frames of a song."""

    latents: Tensor
    """float16 [K, D, S]; zero where the song lacks the track."""
    sounding: Tensor
    """boolean [K, S], the frames that statistics are made from."""


class SongEncoder:
    """A song whose files have all been read once: usable, its length and levels known."""

    def __init__(self, song: Song, codec: Codec, tracks: Tracks = TRACKS) -> None:
        """Decode every file to the end and measure each stem's loudness; block by block.

        Raises InputError, naming the file, where a stem is unusable; and where the song is shorter than
        a second, silent in every track or has a track that is no slot.
        """
        self._stems = {tracks.index(name): paths for name, paths in song.tracks.items() if paths is not None}
        self._codec, self._num_tracks = codec, len(tracks)
        measured = {track: _measured(paths, codec) for track, paths in self._stems.items() if paths}
        self.num_samples = max((length for length, _ in measured.values()), default=0)
        """At the codec's rate, of the longest stem; shorter ones end in silence."""
        self.heard = {track: lufs for track, (_, lufs) in measured.items() if math.isfinite(lufs)}
        """Track → loudness as recorded, LUFS, of all that are not silent."""
        if 0 < self.duration_s < MIN_DURATION_S:
            raise InputError(f"lasts {self.duration_s:.3f} s; a song needs at least {MIN_DURATION_S:g} s")
        if not self.heard:
            raise InputError("is silent in every track")
        self.song = LatentSong(
            song_id=song.song_id,
            split=song.split,
            presence=tuple(track in self._stems for track in range(self._num_tracks)),
            gains_db=tuple(self._gain_db(track) for track in range(self._num_tracks)),
            metadata=song.metadata,
        )
        """All that a shard says of it beside its latents."""

    @property
    def duration_s(self) -> float:
        return self.num_samples / self._codec.sample_rate_hz

    @property
    def num_frames(self) -> int:
        return math.ceil(self.num_samples / self._codec.hop)

    def slices(self, slice_s: float = SLICE_S) -> Iterator[LatentSlice]:
        """The song from start to end, each stem at -23 LUFS (silence left silent); holds one slice at a time.

        Slices are of equal length, whole segments of the codec, but for the last.
        """
        codec = self._codec
        step = whole_segments(slice_s, codec)
        context = math.ceil(codec.context_frames / codec.segment_frames) * codec.segment_frames
        with ExitStack() as stack:
            stems = {
                track: _overlapping(
                    stack.enter_context(StemAudio(self._stems[track], codec.sample_rate_hz)).blocks(
                        step * codec.hop, self.num_samples
                    ),
                    context * codec.hop,
                )
                for track in self.heard
            }
            for first in range(0, self.num_frames, step):
                pieces = {track: next(stem) for track, stem in stems.items()}
                frames = min(step, self.num_frames - first)
                yield self._encoded(pieces, frames, min(context, first))

    def _encoded(self, pieces: Mapping[int, Audio], num_frames: int, before: int) -> LatentSlice:
        """Stems `[2, n]` with `before` frames of context in front → their latents."""
        codec = self._codec
        levelled = {
            track: torch.from_numpy(piece) * 10 ** (self.song.gains_db[track] / 20)
            for track, piece in pieces.items()
        }
        silence = torch.zeros_like(next(iter(levelled.values())))
        present = [levelled.get(track, silence) for track in self._stems]
        latents = torch.zeros(self._num_tracks, codec.latent_dim, num_frames, dtype=torch.float16)
        encoded = codec.encode(torch.stack(present))[..., before : before + num_frames]
        latents[list(self._stems)] = encoded.to("cpu", torch.float16)
        sounding = torch.zeros(self._num_tracks, num_frames, dtype=torch.bool)
        for track, audio in levelled.items():
            heard = sounding_frames(audio[:, before * codec.hop :], codec.hop)
            sounding[track] = heard[:num_frames]
        return LatentSlice(latents=latents, sounding=sounding)

    def _gain_db(self, track: int) -> float:
        return matching_gain_db(self.heard.get(track, -math.inf))


def whole_segments(duration_s: float, codec: Codec) -> int:
    """Frames of about a duration, a multiple of the codec's segment, at least one segment."""
    segments = round(duration_s * codec.frame_rate_hz / codec.segment_frames)
    return max(1, segments) * codec.segment_frames


def sounding_frames(audio: Tensor, hop: int) -> Tensor:
    """Boolean [S] of audio `[2, n]`: where its root mean square is above SOUNDING_DBFS."""
    padded = torch.nn.functional.pad(audio, (0, -audio.shape[1] % hop))
    power = padded.unflatten(1, (-1, hop)).square().mean(dim=(0, 2))
    return power > 10 ** (SOUNDING_DBFS / 10)


def _measured(paths: Sequence[str], codec: Codec) -> tuple[int, float]:
    """A stem's length in samples at the codec's rate, and its loudness in LUFS.

    Measured at the rate of the files, which spares resampling them twice.
    """
    with StemAudio(paths) as stem:
        meter = LoudnessMeter(stem.sample_rate_hz, 2)
        for block in stem.blocks(_MEASURED_AT_ONCE):
            meter.add(block)
        return stem.num_samples_at(codec.sample_rate_hz), meter.lufs()


def _overlapping(blocks: Iterator[Audio], context: int) -> Iterator[Audio]:
    """Each block with up to `context` samples of the one before in front, and of the next one behind."""
    before, current = np.zeros((2, 0), np.float32), next(blocks)
    for after in blocks:
        yield np.concatenate([before, current, after[:, :context]], axis=1)
        before, current = current[:, current.shape[1] - context :], after
    yield np.concatenate([before, current], axis=1)

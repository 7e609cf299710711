"""One song's stems as latents: decode, resample, level, encode. No Ray.

Axes: K track, D latent channel, S latent frame, n samples.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import soundfile
import torch
from torch import Tensor

from stemwright.audio import read_audio
from stemwright.codec import Codec
from stemwright.errors import InputError
from stemwright.latent_shards import LatentSong
from stemwright.loudness import TARGET_LUFS, match_loudness
from stemwright.tracks import TRACKS, Tracks
from stemwright_platform.corpus.manifest import Song
from stemwright_platform.corpus.stem_audio import opened, read_stem

MIN_DURATION_S = 1.0
SOUNDING_DBFS = -60.0
"""A frame sounds when its stem, once levelled, is above this root mean square."""
SLICE_S = 60.0
"""Stems are encoded in slices, so that an hour of audio needs no hour of intermediate results."""
OVERLAP_S = 1.0
"""What a slice hears of its neighbours: codecs look less far."""
_SOUNDING_FRAMES_AT_ONCE = 9000


@dataclass(frozen=True, kw_only=True, slots=True)
class EncodedSong:
    """A song as it goes into a shard."""

    song: LatentSong
    latents: Tensor
    """float16 [K, D, S]; zero where the song lacks the track."""
    sounding: Tensor
    """boolean [K, S], the frames that statistics are made from."""
    duration_s: float
    """Of the longest stem; shorter ones end in silence."""


def encode_song(song: Song, codec: Codec, tracks: Tracks = TRACKS) -> EncodedSong:
    """All stems of a song, aligned, each at -23 LUFS (silence left silent).

    Holds one stem's audio at a time. Raises InputError, naming the file, where a stem is unusable; and
    where the song is shorter than a second, silent in every track or has a track that is no slot.
    """
    paths = {tracks.index(name): paths for name, paths in song.tracks.items() if paths is not None}
    num_samples = max(_num_samples(path, codec.sample_rate_hz) for stem in paths.values() for path in stem)
    if (duration_s := num_samples / codec.sample_rate_hz) < MIN_DURATION_S:
        raise InputError(f"lasts {duration_s:.3f} s; a song needs at least {MIN_DURATION_S:g} s")
    num_frames = math.ceil(num_samples / codec.hop)
    latents = torch.zeros(len(tracks), codec.latent_dim, num_frames, dtype=torch.float16)
    sounding = torch.zeros(len(tracks), num_frames, dtype=torch.bool)
    gains_db = [0.0] * len(tracks)
    for track, stem in paths.items():
        latents[track], sounding[track], gains_db[track] = _encode_stem(stem, codec, num_samples)
    if not sounding.any():
        raise InputError("is silent in every track")
    encoded = LatentSong(
        song_id=song.song_id,
        split=song.split,
        presence=tuple(track in paths for track in range(len(tracks))),
        gains_db=tuple(gains_db),
        metadata=song.metadata,
    )
    return EncodedSong(song=encoded, latents=latents, sounding=sounding, duration_s=duration_s)


def encode_in_slices(audio: Tensor, codec: Codec, slice_s: float = SLICE_S) -> Tensor:
    """Audio `[B, 2, n]` → latents `[B, D, S]`, float16, as `codec.encode` gives them at once."""
    step = whole_segments(slice_s, codec)
    overlap = whole_segments(OVERLAP_S, codec)
    num_frames = math.ceil(audio.shape[-1] / codec.hop)
    pieces = []
    for start in range(0, num_frames, step):
        first = max(0, start - overlap)
        heard = audio[..., first * codec.hop : (start + step + overlap) * codec.hop]
        piece = codec.encode(heard)[..., start - first : start - first + step]
        pieces.append(piece.to("cpu", torch.float16))
    return torch.cat(pieces, dim=-1)


def whole_segments(duration_s: float, codec: Codec) -> int:
    """Frames of about a duration, a multiple of the codec's segment, at least one segment."""
    segments = round(duration_s * codec.frame_rate_hz / codec.segment_frames)
    return max(1, segments) * codec.segment_frames


def sounding_frames(audio: Tensor, hop: int) -> Tensor:
    """Boolean [S] of audio `[2, n]`: where its root mean square is above SOUNDING_DBFS."""
    powers = []
    for piece in audio.split(_SOUNDING_FRAMES_AT_ONCE * hop, dim=1):
        padded = torch.nn.functional.pad(piece, (0, -piece.shape[1] % hop))
        powers.append(padded.unflatten(1, (-1, hop)).square().mean(dim=(0, 2)))
    return torch.cat(powers) > 10 ** (SOUNDING_DBFS / 10)


def _encode_stem(paths: Sequence[str], codec: Codec, num_samples: int) -> tuple[Tensor, Tensor, float]:
    """A stem at -23 LUFS, silent past its end: latents `[D, S]`, sounding frames `[S]`, the gain it took."""
    audio = read_stem(paths, codec.sample_rate_hz)
    audio, gain_db = match_loudness(audio, codec.sample_rate_hz, TARGET_LUFS)
    if missing := num_samples - audio.shape[1]:
        audio = torch.nn.functional.pad(audio, (0, missing))
    return encode_in_slices(audio[None], codec)[0], sounding_frames(audio, codec.hop), gain_db


def _num_samples(path: str, sample_rate_hz: int) -> int:
    """Length after resampling, by the file's header."""
    try:
        with opened(path) as source:
            header = soundfile.info(source)
    except (OSError, ValueError, TypeError, soundfile.SoundFileError):
        with opened(path) as source:
            return read_audio(source, sample_rate_hz, name=path).shape[1]  # says what is wrong with it
    return round(header.frames * sample_rate_hz / header.samplerate)

"""Stems of a corpus through codecs and back, as they are prepared for training: at the training loudness."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from stemwright.codec import Codec
from stemwright.errors import InputError
from stemwright.loudness import match_loudness
from stemwright.metrics.round_trip import RATE_HZ, RoundTrip, round_trip
from stemwright_platform.corpus.manifest import Song
from stemwright_platform.corpus.stem_audio import read_stem

PITCHED = "bass"
"""The track whose pitch is followed: it plays a note at a time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StemCheck:
    """A stem through one codec."""

    codec: str
    """Its label."""
    song_id: str
    track: str
    figures: RoundTrip
    encode_s: float
    """Processor time."""
    decode_s: float
    duration_s: float

    def row(self) -> dict[str, object]:
        """Flat, for JSON."""
        facts = asdict(self)
        return facts | facts.pop("figures")


@dataclass(frozen=True, kw_only=True, slots=True)
class Excerpt:
    """A stem that sounds."""

    song_id: str
    track: str
    audio: Tensor
    """`[2, n]` at 48 kHz and the training loudness."""


def chosen(songs: Sequence[Song], split: str, count: int) -> list[Song]:
    """So many songs of a split, "all" for any, spread evenly over the manifest. InputError for none."""
    known = [song for song in songs if split in ("all", song.split)]
    if not known:
        splits = ", ".join(sorted({song.split for song in songs}))
        raise InputError(f"the manifest has no songs in split '{split}': choose one of {splits}, or all")
    if len(known) <= count:
        return known
    return [known[round(i * (len(known) - 1) / max(count - 1, 1))] for i in range(count)]


def excerpts(song: Song, seconds: float) -> Iterator[Excerpt]:
    """The middle of each of a song's tracks; those that are silent there are left out."""
    for track, paths in song.tracks.items():
        if not paths:
            continue
        whole = read_stem(paths, RATE_HZ)
        length = min(round(seconds * RATE_HZ), whole.shape[1])
        start = (whole.shape[1] - length) // 2
        audio = whole[:, start : start + length]
        matched, _ = match_loudness(audio, RATE_HZ)
        if bool(matched.any()):
            yield Excerpt(song_id=song.song_id, track=track, audio=matched)


def check(
    songs: Sequence[Song],
    codecs: Mapping[str, Codec],
    *,
    seconds: float,
    on_song: Callable[[Song], None] = lambda song: None,
    on_copies: Callable[[Excerpt, Mapping[str, Tensor]], None] = lambda excerpt, copies: None,
) -> list[StemCheck]:
    """Every track of every song through every codec, on one thread.

    `on_copies` hears of each excerpt and of what came back, `[2, n]` by label. Raises InputError for audio
    that cannot be read or where all of it is silent.
    """
    found = []
    for song in songs:
        for excerpt in excerpts(song, seconds):
            passed = {label: _through(codec, excerpt.audio) for label, codec in codecs.items()}
            for label, (copy, encode_s, decode_s) in passed.items():
                figures = round_trip(excerpt.audio, copy, pitched=excerpt.track == PITCHED)
                if figures is not None:
                    found.append(
                        StemCheck(
                            codec=label,
                            song_id=song.song_id,
                            track=excerpt.track,
                            figures=figures,
                            encode_s=encode_s,
                            decode_s=decode_s,
                            duration_s=excerpt.audio.shape[1] / RATE_HZ,
                        )
                    )
            on_copies(excerpt, {label: copy for label, (copy, _, _) in passed.items()})
        on_song(song)
    if not found:
        raise InputError("every stem is silent there: give more --songs or other ones")
    return found


def silence_db(codec: Codec, seconds: float = 4.0) -> float:
    """Level of what digital silence comes back as, root mean square re full scale; -inf for silence."""
    silence = torch.zeros(1, 2, round(seconds * RATE_HZ))
    power = codec.decode(codec.encode(silence)).square().mean()
    return float(10 * power.log10())


def _through(codec: Codec, audio: Tensor) -> tuple[Tensor, float, float]:
    """The copy, as long as the original, and the processor time of each half of the way."""
    start = time.process_time()
    latents = codec.encode(audio[None])
    between = time.process_time()
    copy = codec.decode(latents)[0, :, : audio.shape[1]]
    return copy, between - start, time.process_time() - between

"""What a manifest does not tell of a song, estimated from its audio: tempo, key and downbeats."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import librosa
import numpy as np
from numpy.typing import NDArray

from stemwright.errors import InputError
from stemwright_platform.corpus.estimated_fields import missing_fields, with_fields
from stemwright_platform.corpus.key_estimate import estimate_key
from stemwright_platform.corpus.manifest import Song
from stemwright_platform.corpus.rhythm_estimate import HOP, SAMPLE_RATE_HZ, Audio, estimate_rhythm
from stemwright_platform.corpus.stem_audio import StemAudio

LONGEST_S = 600.0
"""Of a longer song, the beginning is heard; its downbeats end there."""
SHORTEST_S = 4.0
"""A shorter song tells nothing: the lowest notes need this much to be told apart."""
SILENT = 1e-4
"""Peak of what counts as silence."""
DRUMS = ("drum", "perc")
"""Tracks with one of these in their names have no pitch."""

_BLOCK = 1 << 18


def with_estimates(song: Song) -> Song:
    """The song with what it lacks estimated and named in `estimated`; what it has is never changed.

    A field stays empty where the audio tells nothing of it. A song that cannot be read comes back with a
    note that says why.
    """
    wanted = missing_fields(song)
    if not wanted or song.duration_s < SHORTEST_S:
        return song
    try:
        heard = {name: _mono(paths) for name, paths in song.tracks.items() if paths}
    except InputError as error:
        note = f"{', '.join(wanted)} not estimated: {error}"
        return replace(song, notes=tuple(dict.fromkeys((*song.notes, note))))
    return with_fields(song, _found(song, heard, wanted))


def _found(song: Song, heard: dict[str, Audio], wanted: tuple[str, ...]) -> dict[str, Any]:
    """What the tracks tell of the wanted fields."""
    drums = _sum([audio for name, audio in heard.items() if is_drums(name)])
    pitched = _sum([audio for name, audio in heard.items() if not is_drums(name)])
    mix = _sum([drums, pitched])
    if not _sounds(mix):
        return {}
    chroma = _chroma(_padded(pitched, len(mix)))
    found: dict[str, Any] = {}
    if "key" in wanted:
        found["key"] = estimate_key(chroma)
    if "tempo_bpm" in wanted or "downbeats_s" in wanted:
        apart = _padded(drums, len(mix)) if _sounds(drums) else None
        if rhythm := estimate_rhythm(mix, chroma, apart, song.metadata.tempo_bpm):
            found |= {"tempo_bpm": rhythm.tempo_bpm, "downbeats_s": rhythm.downbeats_s}
    return found


def _chroma(audio: Audio) -> NDArray[np.float32]:
    """Pitch classes `[12, T]` from C up, of audio `[n]`; all zero for silence."""
    if not _sounds(audio):
        return np.zeros((12, 1 + len(audio) // HOP), np.float32)
    return librosa.feature.chroma_cqt(y=audio, sr=SAMPLE_RATE_HZ, hop_length=HOP)


def _sounds(audio: Audio) -> bool:
    return float(np.abs(audio).max(initial=0)) >= SILENT


def is_drums(name: str) -> bool:
    """Whether a track of that name has no pitch."""
    return any(part in name.lower() for part in DRUMS)


def _mono(paths: Sequence[str]) -> Audio:
    """The beginning of a track, `[n]` at SAMPLE_RATE_HZ."""
    size = round(LONGEST_S * SAMPLE_RATE_HZ)
    blocks: list[Audio] = []
    with StemAudio(paths, SAMPLE_RATE_HZ) as stem:
        for block in stem.blocks(_BLOCK):
            blocks.append(block.mean(axis=0))
            if sum(map(len, blocks)) >= size:
                break
    return np.concatenate(blocks)[:size]


def _sum(tracks: Sequence[Audio]) -> Audio:
    """Of any lengths; empty where there are none."""
    total = np.zeros(max((len(track) for track in tracks), default=0), np.float32)
    for track in tracks:
        total[: len(track)] += track
    return total


def _padded(audio: Audio, size: int) -> Audio:
    return np.pad(audio, (0, size - len(audio)))

"""Clips of stems to validate scores on: demo songs in one tempo and key, and places in songs of a corpus."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

import numpy as np
import soundfile
import soxr
import torch
from torch import Tensor

from stemwright.audio import read_audio
from stemwright_platform.corpus.demo.harmony import Key
from stemwright_platform.corpus.demo.matched_songs import matched_songs
from stemwright_platform.corpus.demo.rendering import render
from stemwright_platform.corpus.manifest import Song, read_manifest
from stemwright_platform.corpus.synthesis.sound_font import default_sound_font, load_sound_font

RATE_HZ = 48_000
SEED = 2024
"""Not one that anything was chosen on."""
MATCHED = (
    (76, Key(7, "minor")),
    (86, Key(11, "major")),
    (92, Key(9, "minor")),
    (98, Key(5, "major")),
    (104, Key(0, "minor")),
    (110, Key(2, "major")),
    (118, Key(6, "minor")),
    (124, Key(10, "major")),
    (130, Key(1, "minor")),
    (138, Key(4, "major")),
    (146, Key(3, "minor")),
    (172, Key(8, "minor")),
)
"""Tempo and key of each group of demo songs."""

Place = Literal["anywhere", "bar"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Clip:
    """An excerpt of a song."""

    group: str
    """Clips of one group have one tempo and one key."""
    number: int
    """Within the group: clips of different numbers do not belong together."""
    place: Place
    """Whether it begins anywhere or at a bar line."""
    tempo_bpm: float | None
    key: str | None
    stems: dict[str, Tensor]
    """Track → `[2, n]`; those that sound."""


def demo_clips(songs: int, seconds: float) -> Iterator[Clip]:
    """Two clips, one a place, of each of `songs` songs in each group."""
    font = load_sound_font(default_sound_font())
    for group, (tempo_bpm, key) in enumerate(MATCHED):
        found = matched_songs(tempo_bpm, key, duration_s=2.4 * seconds, seed=SEED + group)
        for number, song in enumerate(islice(found, songs)):
            rng = np.random.default_rng([SEED, group, number])
            stems = {track: torch.from_numpy(stem) for track, stem in render(song, font, rng).items()}
            last_s = next(iter(stems.values())).shape[1] / RATE_HZ - 1 - seconds
            bars = [bar for bar in song.downbeats_s if bar <= last_s]
            starts_s: dict[Place, float] = {"anywhere": rng.uniform(0, last_s), "bar": rng.choice(bars)}
            for place, start_s in starts_s.items():
                yield Clip(
                    group=f"{tempo_bpm} bpm, {key.name}",
                    number=number,
                    place=place,
                    tempo_bpm=tempo_bpm,
                    key=key.name,
                    stems=_sounding({name: _excerpt(stem, start_s, seconds) for name, stem in stems.items()}),
                )


def corpus_clips(manifest: Path, songs: int, seconds: float) -> Iterator[Clip]:
    """Two clips a place of up to `songs` songs that are long enough and have bar lines.

    The two that begin anywhere are apart by no multiple of a sixteenth, give or take a quarter of it.
    """
    long = [
        song
        for song in read_manifest(manifest)
        if song.duration_s > 4 * seconds + 8 and len(song.downbeats_s) > 8 and song.metadata.tempo_bpm
    ]
    for index in np.unique(np.linspace(0, len(long) - 1, min(songs, len(long))).astype(int)):
        song, rng = long[index], np.random.default_rng([SEED, int(index)])
        for place, starts_s in _starts_s(song, seconds, rng).items():
            for number, start_s in enumerate(starts_s):
                stems = {
                    track: _part(paths[0], start_s, seconds) for track, paths in song.tracks.items() if paths
                }
                yield _clip(song, number, place, stems)


def _starts_s(song: Song, seconds: float, rng: np.random.Generator) -> dict[Place, tuple[float, float]]:
    half = song.duration_s / 2
    sixteenth_s = 15 / (song.metadata.tempo_bpm or 120)
    first_s = rng.uniform(2, half - seconds)
    steps = round((half - first_s + rng.uniform(0, half - seconds - 4)) / sixteenth_s)
    second_s = first_s + (steps + rng.uniform(0.25, 0.75)) * sixteenth_s
    bars = np.array(song.downbeats_s)
    sides = bars[bars < half - seconds], bars[(bars > half) & (bars < song.duration_s - seconds - 1)]
    found: dict[Place, tuple[float, float]] = {"anywhere": (first_s, second_s)}
    if min(map(len, sides)):
        found["bar"] = (float(rng.choice(sides[0])), float(rng.choice(sides[1])))
    return found


def rotated_clips(manifest: Path, count: int) -> Iterator[Clip]:
    """Of each short song, itself and copies that begin elsewhere and go on from its start, off the grid."""
    for song in read_manifest(manifest):
        stems, rng = _read(song), np.random.default_rng(SEED)
        sixteenth = 15 / (song.metadata.tempo_bpm or 120) * RATE_HZ
        for number in range(count):
            shift = 0 if number == 0 else round((rng.integers(2, 40) + rng.uniform(0.25, 0.75)) * sixteenth)
            yield _clip(song, number, "anywhere", {k: stem.roll(shift, dims=1) for k, stem in stems.items()})


def _clip(song: Song, number: int, place: Place, stems: dict[str, Tensor]) -> Clip:
    return Clip(
        group=song.song_id,
        number=number,
        place=place,
        tempo_bpm=song.metadata.tempo_bpm,
        key=song.metadata.key,
        stems=_sounding(stems),
    )


def _read(song: Song) -> dict[str, Tensor]:
    return {track: read_audio(paths[0], RATE_HZ) for track, paths in song.tracks.items() if paths}


def _part(path: str, start_s: float, seconds: float) -> Tensor:
    """Of a file that need not be read from its start."""
    rate_hz = soundfile.info(path).samplerate
    audio, _ = soundfile.read(
        path, round(seconds * rate_hz), round(start_s * rate_hz), dtype="float32", always_2d=True
    )
    stereo = np.repeat(audio, 2, axis=1) if audio.shape[1] == 1 else audio[:, :2]
    return torch.from_numpy(np.ascontiguousarray(soxr.resample(stereo, rate_hz, RATE_HZ).T))


def _excerpt(stem: Tensor, start_s: float, seconds: float) -> Tensor:
    start = round(start_s * RATE_HZ)
    return stem[:, start : start + round(seconds * RATE_HZ)].contiguous()


def _sounding(stems: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: stem for name, stem in stems.items() if float(stem.square().mean()) > 1e-6}

"""One song of the demo corpus on disk: FLAC stems, the mix, MIDI and a record of what it is."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator

from stemwright_platform.corpus.demo.arrangement import Arrangement, arrange
from stemwright_platform.corpus.demo.genres import GENRES
from stemwright_platform.corpus.demo.metadata import describe
from stemwright_platform.corpus.demo.rendering import render, to_midi
from stemwright_platform.corpus.song_folder import make_folder, write_flac, write_record
from stemwright_platform.corpus.synthesis.mixing import mix_of
from stemwright_platform.corpus.synthesis.sound_font import SAMPLE_RATE_HZ, load_sound_font

SOURCE = "stemwright demo corpus"
GENERATOR = 3
"""Raise it when equal seeds would give other songs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SongOrder:
    """All that decides one song."""

    seed: int
    index: int
    duration_s: float
    """Bars are whole: as many as fit after the lead-in, and the tail rings on after them."""
    soundfont: Path
    soundfont_sha256: str

    @property
    def song_id(self) -> str:
        return f"demo-{self.seed}-{self.index:05d}"

    @property
    def settings(self) -> dict[str, Any]:
        """What must be equal for a finished song to be kept."""
        return {
            "generator": GENERATOR,
            "seed": self.seed,
            "index": self.index,
            "duration_s": self.duration_s,
            "soundfont_sha256": self.soundfont_sha256,
        }


@lru_cache
def sha256_of(font: Path) -> str:
    """A sound font's digest, in hexadecimal."""
    with font.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def make_song(order: SongOrder, folder: Path) -> None:
    """Make the song in `folder`/song_id, whole or not at all; a finished one of the same order is kept."""
    make_folder(folder / order.song_id, order.settings, partial(_write_song, order))


def _write_song(order: SongOrder, folder: Path) -> None:
    rng = np.random.default_rng([order.seed, order.index])
    arrangement = arrange(GENRES[_genre_index(order)], order.duration_s, rng)
    write_arrangement(folder, arrangement, order.soundfont, order.settings, rng)


def write_arrangement(
    folder: Path, arrangement: Arrangement, soundfont: Path, settings: Mapping[str, Any], rng: Generator
) -> None:
    """Everything of a song into a folder; `settings` are what a finished one is known by."""
    metadata = describe(arrangement, rng)
    stems = render(arrangement, load_sound_font(soundfont), rng)
    for name, stem in stems.items():
        write_flac(folder / f"{name}.flac", stem)
    write_flac(folder / "mix.flac", mix_of(stems))
    (folder / "song.mid").write_bytes(to_midi(arrangement))
    num_samples = next(iter(stems.values())).shape[1]
    record = {
        "settings": dict(settings),
        "duration_s": num_samples / SAMPLE_RATE_HZ,
        "tracks": sorted(stems),
        "silent_tracks": sorted(arrangement.notes.keys() - stems.keys()),
        "downbeats_s": arrangement.downbeats_s,
        "sections": _sections(arrangement),
        "source": SOURCE,
        "licence": f"generated, rendered with {soundfont.name}",
    } | asdict(metadata)
    write_record(folder, record)


def _sections(arrangement: Arrangement) -> list[dict[str, Any]]:
    """What each section is, when it begins and how many bars it lasts."""
    return [
        {
            "kind": section.kind,
            "start_s": round(arrangement.at_s(section.bars[0].beat(0)), 6),
            "bars": len(section.bars),
        }
        for section in arrangement.sections
    ]


def _genre_index(order: SongOrder) -> int:
    """Every genre once in each round of songs, in an order of the round's own."""
    round_number, place = divmod(order.index, len(GENRES))
    return int(np.random.default_rng([order.seed, round_number, 7]).permutation(len(GENRES))[place])

"""Songs of a few tempos and keys on disk, several of each: what belongs together against what does not."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from stemwright_platform.corpus.demo.arrangement import Arrangement
from stemwright_platform.corpus.demo.harmony import Key
from stemwright_platform.corpus.demo.matched_songs import matched_songs
from stemwright_platform.corpus.demo.song import GENERATOR, sha256_of, write_arrangement
from stemwright_platform.corpus.manifest import write_manifest
from stemwright_platform.corpus.song_folder import made_song, make_folder
from stemwright_platform.corpus.synthesis.sound_font import default_sound_font

GROUPS = (
    (78, Key(2, "minor")),
    (84, Key(7, "major")),
    (90, Key(4, "minor")),
    (96, Key(0, "major")),
    (102, Key(11, "minor")),
    (108, Key(9, "major")),
    (116, Key(5, "minor")),
    (122, Key(3, "major")),
    (128, Key(9, "minor")),
    (136, Key(8, "major")),
    (148, Key(6, "minor")),
    (170, Key(1, "minor")),
)
"""Tempo and key of each group: from slow to fast, every tonic once."""
MANIFEST = "manifest.parquet"


@dataclass(frozen=True, kw_only=True, slots=True)
class MatchedOrder:
    """All that decides one song."""

    group: int
    number: int
    """Within the group."""
    seed: int
    duration_s: float
    soundfont: Path

    @property
    def song_id(self) -> str:
        return f"matched-{self.seed}-{self.group:02d}-{self.number:03d}"

    @property
    def settings(self) -> dict[str, Any]:
        """What must be equal for a finished song to be kept."""
        tempo_bpm, key = GROUPS[self.group]
        return {
            "generator": GENERATOR,
            "matched": [self.seed, self.group, self.number, tempo_bpm, key.name],
            "duration_s": self.duration_s,
            "soundfont_sha256": sha256_of(self.soundfont),
        }


def make_matched_corpus(
    out: Path,
    groups: int,
    songs: int,
    *,
    seed: int,
    duration_s: float,
    soundfonts: Sequence[Path] = (),
    on_song: Callable[[str], None] | None = None,
) -> Path:
    """Make `songs` songs of each of the first `groups` groups, all held out; returns their manifest's path.

    Sound fonts take turns. Finished songs are kept; `on_song` hears the name of each as it is there.
    """
    fonts = [Path(font).absolute() for font in soundfonts] or [default_sound_font()]
    made = []
    for order, song in _orders(groups, songs, seed, duration_s, fonts):
        home = out / "songs" / order.song_id
        home.parent.mkdir(parents=True, exist_ok=True)
        make_folder(home, order.settings, partial(_write, order, song))
        made.append(made_song(home, order.song_id, "test"))
        if on_song:
            on_song(order.song_id)
    write_manifest(out / MANIFEST, made)
    return out / MANIFEST


def _orders(
    groups: int, songs: int, seed: int, duration_s: float, fonts: Sequence[Path]
) -> Iterator[tuple[MatchedOrder, Arrangement]]:
    """Group by group."""
    for group, (tempo_bpm, key) in enumerate(GROUPS[:groups]):
        found = matched_songs(tempo_bpm, key, duration_s=duration_s, seed=seed + group)
        for number, song in enumerate(islice(found, songs)):
            font = fonts[number % len(fonts)]
            yield (
                MatchedOrder(group=group, number=number, seed=seed, duration_s=duration_s, soundfont=font),
                song,
            )


def _write(order: MatchedOrder, song: Arrangement, folder: Path) -> None:
    rng = np.random.default_rng([order.seed, order.group, order.number])
    write_arrangement(folder, song, order.soundfont, order.settings, rng)

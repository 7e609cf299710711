"""Songs of the demo corpus in one tempo and one key: what scores must tell apart by more than those two."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import numpy as np

from stemwright_platform.corpus.demo.arrangement import Arrangement, arrange
from stemwright_platform.corpus.demo.genres import GENRES
from stemwright_platform.corpus.demo.harmony import Key


def matched_songs(tempo_bpm: int, key: Key, *, duration_s: float, seed: int) -> Iterator[Arrangement]:
    """Different songs without end, all in the tempo and the key, of the genres that know both.

    Raises ValueError where no genre does.
    """
    genres = [
        replace(
            genre, tempo_bpm=(tempo_bpm, tempo_bpm), progressions={key.mode: genre.progressions[key.mode]}
        )
        for genre in GENRES
        if genre.tempo_bpm[0] <= tempo_bpm <= genre.tempo_bpm[1] and key.mode in genre.progressions
    ]
    if not genres:
        raise ValueError(f"no genre knows {tempo_bpm} bpm and {key.mode}")
    for number in count():
        # Which key is drawn is the arrangement's own affair: ask until it is the one.
        rng = np.random.default_rng([seed, number])
        song = arrange(genres[int(rng.integers(len(genres)))], duration_s, rng)
        if song.key == key:
            yield song

"""Whether takes of one prompt differ, and whether anything is a copy of a training song.

Axes: P patch, E embedding channel.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from stemwright.metrics.diversity import EmbeddingScale, TrainingSongs, copying, spread_over_seeds
from stemwright.metrics.interval import bootstrap_interval
from stemwright_platform.evaluation.clip import Clip
from stemwright_platform.evaluation.clip_folder import MIX
from stemwright_platform.evaluation.hearing import READ_RATE_HZ, Hearing
from stemwright_platform.evaluation.reference_set import HeardClip
from stemwright_platform.evaluation.score_row import ScoreRow
from stemwright_platform.evaluation.sound_group import SoundGroup
from stemwright_platform.evaluation.systems import MODEL
from stemwright_platform.evaluation.task_name import JOINT

SILENCE_S = 3.0
Embeddings = NDArray[np.float32]


class Novelty:
    """Training songs as one embedding hears them, and what is held against them."""

    def __init__(self, hearing: Hearing, clips: Sequence[Clip], heard: Sequence[HeardClip]) -> None:
        """`clips`, `heard`: windows of the training split, and what was heard of them. ValueError for fewer
        than two songs."""
        self._ear, self._hearing = hearing.features[0].name, hearing
        songs = defaultdict[str, list[Embeddings]](list)
        for clip, found in zip(clips, heard, strict=True):
            if (self._ear, MIX) in found:
                songs[clip.song].append(found[self._ear, MIX]["embeddings"])
        whole = [np.concatenate(windows) for windows in songs.values()]
        silence = torch.zeros(2, round(SILENCE_S * READ_RATE_HZ))
        nothing = hearing.of_samples(silence)[self._ear]["embeddings"]
        self._scale = EmbeddingScale.of(whole, nothing[0] if len(nothing) else None)
        self._songs = TrainingSongs(whole, self._scale)
        self._about = f"{self._ear}; {len(clips)} windows of {len(whole)} training songs"

    def spread(self, requests: Sequence[Sequence[Path]]) -> list[ScoreRow]:
        """`diversity` of requests, each with the mixes of its takes."""
        found = spread_over_seeds([[*map(self._heard, takes)] for takes in requests], self._scale)
        if math.isnan(found.ratio):
            return []
        interval = bootstrap_interval(found.ratios)
        note = f"{len(requests)} prompts of {max(map(len, requests))} takes; {self._about}"
        return [_row("diversity", MODEL, found.ratio, interval.low, interval.high, interval.n, note)]

    def copies(self, groups: Sequence[SoundGroup], real: str) -> list[ScoreRow]:
        """`copied_share` of every system's mixes, judged by the system of real songs."""
        mixes = {group.system: group.paths for group in groups if (group.task, group.part) == (JOINT, MIX)}
        if real not in mixes:
            return []
        held_out = [*map(self._heard, mixes[real])]
        rows = []
        for system in mixes.keys() - {real}:
            found = copying([*map(self._heard, mixes[system])], held_out, self._songs)
            interval = bootstrap_interval([float(place in found.copies) for place in range(found.n)])
            note = f"nearer than {found.threshold:.2f}, by {found.held_out} real clips; {self._about}"
            rows.append(_row("copied_share", system, found.share, interval.low, interval.high, found.n, note))
        return rows

    def _heard(self, path: Path) -> Embeddings:
        return self._hearing(path)[self._ear]["embeddings"]


def _row(score: str, system: str, value: float, low: float, high: float, n: int, note: str) -> ScoreRow:
    return ScoreRow(
        score=score, system=system, task=JOINT, part=MIX, value=value, low=low, high=high, n=n, note=note
    )

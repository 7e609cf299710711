"""Whether anything that is made is a copy of a training song."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from stemwright.errors import InputError
from stemwright.metrics.diversity import EmbeddingScale, TrainingSongs, copying
from stemwright.metrics.frechet import Embeddings
from stemwright.metrics.interval import bootstrap_interval
from stemwright.metrics.musicnn import Musicnn
from stemwright.mixing import mix
from stemwright_platform.assessment.context import Context
from stemwright_platform.assessment.figure import Figure, Target
from stemwright_platform.assessment.share import witnesses
from stemwright_platform.assessment.stem_hearing import EMBEDDING, READ_RATE_HZ
from stemwright_platform.assessment.take import Maker, TakeOrder
from stemwright_platform.assessment.take_making import recorded
from stemwright_platform.assessment.window import Window, windows_of
from stemwright_platform.corpus.manifest import read_manifest
from stemwright_platform.evaluation.clip_folder import MIX
from stemwright_platform.evaluation.feature_choice import SEARCH_HOP_S
from stemwright_platform.evaluation.feature_store import FeatureStore
from stemwright_platform.evaluation.hearing import Hearing
from stemwright_platform.time_left import TimeLeft

WINDOWS = 512
"""Of training songs."""
SELDOM = Target(bound=0.05, at_least=False)
"""Of takes: held-out songs themselves come to 0.01."""
SILENCE_S = 3.0


def copying_figures(context: Context) -> list[Figure]:
    """One, or none measured where no training songs are named."""
    about = "Share of takes nearer to a training song than all but 1 % of held-out songs are"
    if context.plan.training is None:
        note = "name the manifest of the training songs with --training"
        return [Figure(name="copied", about=about, value=math.nan, note=note)]
    songs = [song for song in read_manifest(context.plan.training) if song.split == "train"]
    windows = windows_of(songs, context.plan.duration_s, WINDOWS, seed=context.plan.seed)
    if len({window.song.song_id for window in windows}) < 2:
        raise InputError(f"{context.plan.training}: two training songs of a window's length are needed")
    whole = _heard_closely(context.out / "features", windows)
    scale = EmbeddingScale.of(whole, _silence())
    asked = context.music.asked
    found = copying(_mixes(context, "model"), _mixes(context, "real"), TrainingSongs(whole, scale))
    copies = [
        float(place in found.copies) if neighbour.song >= 0 else math.nan
        for place, neighbour in enumerate(found.neighbours)
    ]
    clusters = witnesses([one.song.song_id for one in asked], [one.name for one in asked])
    share = bootstrap_interval(copies, clusters=clusters)
    return [
        Figure(
            name="copied",
            about=about,
            value=found.share,
            low=share.low,
            high=share.high,
            target=SELDOM,
            n=found.n,
            note=f"{len(windows)} windows of {len(whole)} training songs, {found.held_out} held-out windows; "
            "n takes",
        )
    ]


def _mixes(context: Context, maker: Maker) -> list[Embeddings]:
    """Of takes of all tracks, or of the songs themselves."""
    orders = [TakeOrder(maker=maker, window=window) for window in context.music.asked]
    heard = context.heard(orders, "all tracks at once")
    return [parts[MIX][EMBEDDING]["embeddings"] for parts in heard]


def _heard_closely(folder: Path, windows: Sequence[Window]) -> list[Embeddings]:
    """Embeddings `[P, E]` of each song's mix, so close that no excerpt lies between them."""
    hearing = Hearing([Musicnn(patch_hop_s=SEARCH_HOP_S)], FeatureStore(folder))
    of_song: dict[str, list[Embeddings]] = {}
    progress = TimeLeft("training songs", len(windows))
    for window in windows:
        stems = recorded(window, READ_RATE_HZ)
        heard = hearing.of_samples(mix(stems.values()))[EMBEDDING]["embeddings"]
        of_song.setdefault(window.song.song_id, []).append(heard)
        progress.advance(1, window.name)
    progress.close()
    return [np.concatenate(clips, dtype=np.float32) for clips in of_song.values()]


def _silence() -> Embeddings:
    """`[E]`, what nothing sounds like."""
    ear = Musicnn()
    return ear.extract(torch.zeros(2, round(SILENCE_S * ear.sample_rate_hz)))["embeddings"][0]

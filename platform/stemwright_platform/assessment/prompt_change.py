"""Whether another prompt makes another sound: takes of two prompts by two seeds each, all four held together.

Axes: P patch, E number of a description.
"""

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from stemwright.metrics.timbre import Timbre
from stemwright_platform.assessment.context import Context
from stemwright_platform.assessment.figure import Figure, Target
from stemwright_platform.assessment.ratio import ratio_of_means
from stemwright_platform.assessment.take import TakeOrder
from stemwright_platform.assessment.window import Window
from stemwright_platform.evaluation.clip_folder import MIX
from stemwright_platform.evaluation.feature_store import FeatureStore
from stemwright_platform.evaluation.hearing import Hearing

REQUESTS = 16
"""Pairs of prompts; four takes of all tracks each."""
TARGET = Target(bound=0.5, at_least=True)
"""A prompt that changes nothing has 0; another seed changes all that the prompt leaves open."""
EARS = ("embedding", "spectrum")
ABOUT = {
    "embedding": "How far another prompt takes the sound, over how far another seed does, heard by musicnn",
    "spectrum": "The same by what the spectrum is like on average and how it moves",
}

Points = dict[tuple[int, int], NDArray[np.float64]]
"""(prompt, seed) → its mix `[E]`."""


def change_figures(context: Context) -> list[Figure]:
    """One figure for each way of hearing; 1 means as far as another seed."""
    pairs = prompt_pairs(context.music.asked, min(REQUESTS, context.plan.coherence_songs))
    takes = [*product(range(2), range(2))]
    orders = [
        TakeOrder(maker="model", window=window, prompt=prompts[prompt], turn=turn)
        for window, prompts in pairs
        for prompt, turn in takes
    ]
    hearing = Hearing([Timbre()], FeatureStore(context.out / "features"))
    files = context.sounds(orders, "two prompts by two seeds")
    heard = np.array([hearing(sounds[MIX])["timbre"]["timbre"] for sounds in files], np.float64)
    songs = [window.song.song_id for window, _ in pairs]
    figures = []
    for ear, part in zip(EARS, Timbre.parts, strict=True):
        described = heard[:, part].reshape(len(pairs), len(takes), -1) if len(pairs) else heard
        figures.append(
            _figure(ear, [dict(zip(takes, of_pair, strict=True)) for of_pair in scaled(described)], songs)
        )
    return figures


def prompt_pairs(windows: Sequence[Window], most: int) -> list[tuple[Window, tuple[str, str]]]:
    """Windows with their own prompt and one of another song, of another genre and with other instruments
    where there is such a song."""
    found = []
    for place, window in enumerate(windows[:most]):
        others = [*windows[place + 1 :], *windows[:place]]
        strange = [other for other in others if not _alike(window, other)] or others
        other = next((other for other in strange if other.prompt != window.prompt), None)
        if other is not None:
            found.append((window, (window.prompt, other.prompt)))
    return found


def _alike(one: Window, other: Window) -> bool:
    mine, its = one.song.metadata, other.song.metadata
    return bool({*mine.genres} & {*its.genres} or {*mine.instruments} & {*its.instruments})


def scaled(described: NDArray[np.float64]) -> NDArray[np.float64]:
    """Descriptions `[…, E]` in units of their spread over all takes; what never changes counts nothing."""
    flat = described.reshape(-1, described.shape[-1])
    mean, deviation = flat.mean(0), flat.std(0)
    return (described - mean) / np.where(deviation > 1e-6 * np.abs(mean), deviation, np.inf)


def changes(points: Points) -> tuple[float, float]:
    """Mean distance of takes that differ in the prompt alone, and of those that differ in the seed alone."""
    by_prompt = [_distance(points[0, seed], points[1, seed]) for seed in range(2)]
    by_seed = [_distance(points[prompt, 0], points[prompt, 1]) for prompt in range(2)]
    return float(np.mean(by_prompt)), float(np.mean(by_seed))


def _figure(ear: str, requests: Sequence[Points], songs: Sequence[str]) -> Figure:
    found = [changes(points) for points in requests]
    interval = ratio_of_means([prompt for prompt, _ in found], [seed for _, seed in found], songs)
    return Figure(
        name=f"prompt.change.{ear}",
        about=ABOUT[ear],
        value=interval.value,
        low=interval.low,
        high=interval.high,
        target=TARGET,
        n=interval.n,
        note="a ratio of distances between mixes; n pairs of prompts, four takes each; same seed, same noise",
    )


def _distance(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.square(one - other).mean()))

"""What is heard in a sweep's sounds: scores by clip, and how far the mixes at each λ are from real ones.

Axes: Q guidance scale, C clip, W draw of the bootstrap, P patch, E embedding channel.
"""

from collections.abc import Mapping, Sequence
from functools import reduce
from pathlib import Path

import numpy as np

from stemwright.metrics.frechet import GaussianFit, frechet_distance
from stemwright.tasks import Task
from stemwright_platform.evaluation.clip import Clip
from stemwright_platform.evaluation.clip_folder import MIX, clip_folder, sound_file
from stemwright_platform.evaluation.clip_scoring import ScoreItem, sounds_of
from stemwright_platform.evaluation.feature_choice import FeatureChoice
from stemwright_platform.evaluation.feature_store import FeatureStore
from stemwright_platform.evaluation.hearing import Hearing
from stemwright_platform.evaluation.task_name import JOINT
from stemwright_platform.sweeps.guidance_choice import PLAIN
from stemwright_platform.sweeps.guidance_line import Floats, Line, resampled
from stemwright_platform.sweeps.guidance_plan import system_of, take_folder
from stemwright_platform.sweeps.guidance_scores import FLOOR

FRECHET_DRAWS = 40
"""Of the bootstrap; each takes a matrix root at every λ."""


def score_items(
    out: Path,
    tasks: Mapping[str, Task],
    clips: Sequence[Clip],
    scales: Sequence[float],
    takes: int,
    ceiling: str,
    *,
    with_mix: bool = False,
    with_leakage: bool = False,
) -> list[ScoreItem]:
    """All takes that were made, then strangers' and real stems.

    `with_mix`: mixes are scored, too; `with_leakage`: and what of the given tracks sounds in the targets.
    """
    found = [
        _take_item(out, task, name, clip, scale, turn, with_mix=with_mix, with_leakage=with_leakage)
        for name, task in tasks.items()
        for scale in (scales if task.given else (PLAIN,))
        for clip in clips
        for turn in range(takes)
        if take_folder(out, scale, name, clip.clip, turn).is_dir()
    ]
    for system in (FLOOR, ceiling):
        for clip in clips:
            folder = clip_folder(out, system, JOINT, clip.clip)
            sounds = sounds_of(dict.fromkeys(clip.tracks, folder), mix=folder if with_mix else None)
            found.append(
                ScoreItem(
                    system=system,
                    task=JOINT,
                    clip=clip,
                    targets=clip.tracks,
                    given=(),
                    sounds=sounds,
                    folder=folder,
                )
            )
    return found


def _take_item(
    out: Path,
    task: Task,
    name: str,
    clip: Clip,
    scale: float,
    turn: int,
    *,
    with_mix: bool,
    with_leakage: bool,
) -> ScoreItem:
    folder = take_folder(out, scale, name, clip.clip, turn)
    given = tuple(track for track in task.given if track in clip.tracks)
    tracks = task.tracks.ordered((*task.targets, *given))
    return ScoreItem(
        system=system_of(scale),
        task=name,
        clip=clip,
        targets=task.targets,
        given=given if with_leakage else (),
        sounds=sounds_of(dict.fromkeys(tracks, folder), mix=folder if with_mix else None),
        folder=folder,
    )


class MixHearing:
    """What an actor does: mixes → what an embedding hears in them, in the store."""

    def __init__(self, embedding: str, store: FeatureStore, device: str = "cpu") -> None:
        self._hearing = Hearing(FeatureChoice(embeddings=(embedding,)).embedders(device), store)

    def __call__(self, folders: Sequence[Path]) -> None:
        for folder in folders:
            self._hearing(sound_file(folder, MIX))


def frechet_line(
    hearing: Hearing,
    out: Path,
    tasks: Sequence[str],
    clips: Sequence[Clip],
    scales: Sequence[float],
    takes: int,
    ceiling: str,
) -> Line | None:
    """Distance of the mixes of all conditional tasks at each λ to those of the real clips.

    `hearing`: by one embedder. None where there are too few patches. With so few clips its bias is large,
    and the same at every λ.
    """
    real = _merged([_fit(hearing, [clip_folder(out, ceiling, JOINT, clip.clip)]) for clip in clips])
    fits = [
        [
            _fit(
                hearing, [take_folder(out, scale, task, clip.clip, n) for task in tasks for n in range(takes)]
            )
            for clip in clips
        ]
        for scale in scales
    ]
    if real.n < 2 or any(sum(fit.n for fit in of_scale) < 2 for of_scale in fits):
        return None
    counts = resampled(len(clips), FRECHET_DRAWS)
    values = np.array([frechet_distance(_merged(of_scale), real) for of_scale in fits])
    drawn = np.array([[_drawn(of_scale, each, real) for of_scale in fits] for each in counts])
    # clips drawn twice make any distance greater: the draws have its spread, not its place
    return Line(values=values, draws=drawn - drawn.mean(0) + values, n=len(clips))


def _fit(hearing: Hearing, folders: Sequence[Path]) -> GaussianFit:
    """Of a clip's mixes, as many as there are."""
    name = hearing.features[0].name
    files = [sound_file(folder, MIX) for folder in folders if folder.is_dir()]
    return _merged([GaussianFit.of(hearing(file)[name]["embeddings"]) for file in files])


def _drawn(fits: Sequence[GaussianFit], counts: Floats, real: GaussianFit) -> float:
    """The distance where each clip counts so often; of the whole set where the draw is too small for one."""
    chosen = [fit for fit, count in zip(fits, counts, strict=True) for _ in range(int(count))]
    drawn = _merged(chosen)
    return frechet_distance(drawn if drawn.n > 1 else _merged(fits), real)


def _merged(fits: Sequence[GaussianFit]) -> GaussianFit:
    """Of all that heard anything."""
    heard = [fit for fit in fits if fit.n]
    if not heard:
        return GaussianFit(n=0, mean=np.zeros(1), scatter=np.zeros((1, 1)))
    return reduce(GaussianFit.merged, heard)

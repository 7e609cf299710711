"""What would be wrong with the sound itself: clicks, clipping, given tracks changed, rests not silent."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch

from stemwright.compose import Request
from stemwright.metrics.feature import Arrays
from stemwright.metrics.interval import bootstrap_interval
from stemwright.metrics.levels import FULL_SCALE, SILENT_DB
from stemwright.metrics.soundness import STRETCH_S
from stemwright.tasks import Task
from stemwright_platform.assessment.context import Context
from stemwright_platform.assessment.figure import Figure, Target
from stemwright_platform.assessment.ratio import ratio_of_means
from stemwright_platform.assessment.take import Heard, TakeOrder
from stemwright_platform.assessment.take_making import recorded
from stemwright_platform.assessment.window import Window
from stemwright_platform.evaluation.clip_folder import MIX

EDGE = 1e-3
"""−60 dB: a first or last sample below makes no click that anyone hears."""
CLICKS_A_MINUTE = 1.0
"""More than in real stems; one in a minute is let pass."""
REST_S = 0.5
"""A rest is silent for so long in all."""
RESTS = 0.8
UNTOUCHED_STEPS, UNTOUCHED_WINDOWS = 2, 2
"""Given tracks pass by the denoiser: two steps show as much as fifty."""
NEVER, ALWAYS = Target(bound=0.0, at_least=False), Target(bound=1.0, at_least=True)


def sound_figures(context: Context) -> list[Figure]:
    """Of takes of all tracks at once, each stem by itself, beside the real stems of the same songs."""
    windows = context.music.asked[: context.plan.coherence_songs]
    label = "takes of all tracks"
    made = _stems(context.heard([TakeOrder(maker="model", window=w) for w in windows], label), windows)
    real = _stems(context.heard([TakeOrder(maker="real", window=w) for w in windows], "real stems"), windows)
    shared = [key for key in made if key in real]
    pairs = [(made[key], real[key]) for key in shared]
    song_of = {window.name: window.song.song_id for window in windows}
    songs = [song_of[window] for window, _ in shared]
    return [
        _edges([*made.values()]),
        _clipping([*made.values()]),
        _clicks(pairs, context.plan.duration_s),
        *rest_figures(pairs, songs),
        untouched(context, windows),
    ]


def _stems(heard: Sequence[Heard], windows: Sequence[Window]) -> dict[tuple[str, str], Arrays]:
    """(window, track) → what was found in the stem; mixes aside."""
    return {
        (window.name, part): features["soundness"]
        for window, parts in zip(windows, heard, strict=True)
        for part, features in parts.items()
        if part != MIX and "soundness" in features
    }


def _edges(stems: Sequence[Arrays]) -> Figure:
    quiet = [float(stem["edges"].max() <= EDGE) for stem in stems]
    worst = max((float(stem["edges"].max()) for stem in stems), default=float("nan"))
    loudest = max((float(stem["edges_db"].max()) for stem in stems), default=float("nan"))
    return Figure(
        name="sound.edges",
        about="Share of takes that begin and end without a jump, below −60 dB of full scale",
        value=_mean(quiet),
        target=ALWAYS,
        n=len(quiet),
        note=f"largest jump {worst:.2g} of full scale; first or last 5 ms at most {loudest:.0f} dB; n stems",
    )


def _clipping(stems: Sequence[Arrays]) -> Figure:
    peaks = [float(stem["peak"][0]) for stem in stems]
    return Figure(
        name="sound.clipping",
        about="Share of takes that reach full scale",
        value=_mean([float(peak >= FULL_SCALE) for peak in peaks]),
        target=NEVER,
        n=len(peaks),
        note=f"highest peak {max(peaks, default=float('nan')):.2f}; n stems; a mix is turned down before",
    )


def _clicks(pairs: Sequence[tuple[Arrays, Arrays]], duration_s: float) -> Figure:
    minutes = len(pairs) * duration_s / 60
    made, real = (sum(len(pair[side]["clicks_s"]) for pair in pairs) for side in (0, 1))
    return Figure(
        name="sound.clicks",
        about="Clicks a minute within takes, less those of real stems",
        value=(made - real) / minutes if minutes else float("nan"),
        target=Target(bound=CLICKS_A_MINUTE, at_least=False),
        n=len(pairs),
        note=f"{made} in {minutes:.0f} min of takes, {real} in as much of real stems; n stems",
    )


def rest_figures(pairs: Sequence[tuple[Arrays, Arrays]], songs: Sequence[str]) -> Iterator[Figure]:
    """Whether takes rest as often as real stems do, and whether they rest where these do.

    `pairs`: what was found in a take and in the real stem of the same place.
    """
    made, real = ([float(rests(pair[side])) for pair in pairs] for side in (0, 1))
    interval = ratio_of_means(made, real, songs)
    yield Figure(
        name="sound.rests",
        about=f"How often takes have {REST_S:g} s of silence or more, over how often real stems have it",
        value=interval.value,
        low=interval.low,
        high=interval.high,
        target=Target(bound=RESTS, at_least=True),
        n=interval.n,
        note=f"takes {_mean(made):.2f}, real stems {_mean(real):.2f}; silent: {SILENT_DB:g} dB; n stems",
    )
    depths = [[depth_db(pair[side]) for pair in pairs if rests(pair[1])] for side in (0, 1)]
    depth = bootstrap_interval(
        depths[0], clusters=[s for s, pair in zip(songs, pairs, strict=True) if rests(pair[1])]
    )
    yield Figure(
        name="sound.rest_level",
        about=f"Level of the quietest {REST_S:g} s of takes where the real stem rests so long, dB",
        value=depth.value,
        low=depth.low,
        high=depth.high,
        n=depth.n,
        note=f"re full scale; real stems {_mean(depths[1]):.0f}; n stems",
    )


def rests(stem: Arrays) -> bool:
    """Whether a stem is silent for `REST_S` in all."""
    return depth_db(stem) < SILENT_DB


def depth_db(stem: Arrays) -> float:
    """The level below which a stem is for `REST_S` in all, not counting the ends' fades."""
    levels = np.sort(stem["levels_db"][1:-1])
    return float(levels[min(len(levels), round(REST_S / STRETCH_S)) - 1]) if len(levels) else float("nan")


def untouched(context: Context, windows: Sequence[Window]) -> Figure:
    """Given tracks against what comes back beside the take, sample by sample, each track asked for once."""
    composer = context.composer
    same = [
        float(torch.equal(audio, stems[name]))
        for window in windows[:UNTOUCHED_WINDOWS]
        for task, heard in _conditional(context, window)
        for stems in [composer.generate(_request(task, window), heard)]
        for name, audio in heard.items()
    ]
    return Figure(
        name="sound.given_untouched",
        about="Share of given tracks that come back bit for bit",
        value=_mean(same),
        target=ALWAYS,
        n=len(same),
        note="each track asked for once, the others given; n given tracks",
    )


def _conditional(context: Context, window: Window) -> Iterator[tuple[Task, Mapping[str, torch.Tensor]]]:
    """Each track of a window as the target, the others given."""
    heard = recorded(window, context.composer.codec.sample_rate_hz)
    for target in heard:
        given = tuple(name for name in heard if name != target)
        if given:
            yield Task((target,), given, tracks=context.tracks), {name: heard[name] for name in given}


def _request(task: Task, window: Window) -> Request:
    return Request(prompt=window.prompt, task=task, duration_s=window.duration_s, num_steps=UNTOUCHED_STEPS)


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else float("nan")

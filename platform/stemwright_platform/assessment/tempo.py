"""Whether the drums keep the tempo that was asked for."""

import math
from collections.abc import Sequence

from stemwright.metrics.adherence import tempo_adherence
from stemwright.metrics.coherence import has_pitch
from stemwright.tasks import Task
from stemwright_platform.assessment.context import Context
from stemwright_platform.assessment.figure import Figure, Target
from stemwright_platform.assessment.ratio import ratio_of_means
from stemwright_platform.assessment.share import witnesses
from stemwright_platform.assessment.take import Heard, TakeOrder
from stemwright_platform.assessment.window import Window
from stemwright_platform.evaluation.task_name import task_name

OFTEN = Target(bound=0.8, at_least=True)


def tempo_figures(context: Context) -> list[Figure]:
    """Of drums made with all other tracks, and of drums alone."""
    tracks = context.tracks
    drums = next((name for name in tracks.names if not has_pitch(name)), None)
    if drums is None:
        return []
    most = max(context.music.asked, context.music.matched, key=len)
    timed = [one for one in most if one.tempo_bpm and drums in one.tracks]
    few = [one for one in context.music.matched if one.tempo_bpm and drums in one.tracks]
    return [
        _figure(context, drums, Task(tracks.names, tracks=tracks), timed),
        _figure(context, drums, Task((drums,), tracks=tracks), few),
    ]


def _figure(context: Context, drums: str, task: Task, windows: Sequence[Window]) -> Figure:
    name = task_name(task)
    orders = [TakeOrder(maker="model", window=one, task=name) for one in windows]
    reals = [TakeOrder(maker="real", window=one) for one in windows]
    made = _kept(context.heard(orders, name.replace("_", " ")), windows, drums)
    real = _kept(context.heard(reals, "real stems"), windows, drums)
    # where the song has no drums to hear, there is nothing to compare with
    there = [place for place, value in enumerate(real) if not math.isnan(value)]
    kept = [0.0 if math.isnan(made[place]) else made[place] for place in there]
    truly = [real[place] for place in there]
    chosen = [windows[place] for place in there]
    songs = witnesses([one.song.song_id for one in chosen], [one.name for one in chosen])
    share = ratio_of_means(kept, truly, songs)
    how = "made with all other tracks" if task.mode == "joint" else "made alone"
    return Figure(
        name=f"tempo.{name}",
        about=f"How often {drums}, {how}, have the tempo asked for, over how often real ones do",
        value=share.value,
        low=share.low,
        high=share.high,
        target=OFTEN,
        n=share.n,
        note=f"takes {_percent(kept)}, real {_percent(truly)}, within 4 %, octaves allowed; n windows",
    )


def _kept(heard: Sequence[Heard], windows: Sequence[Window], drums: str) -> list[float]:
    """1 where the tempo heard is the window's, 0 where it is another, NaN where none is heard."""
    return [
        tempo_adherence(parts[drums]["rhythm"], one.tempo_bpm or math.nan) if drums in parts else math.nan
        for parts, one in zip(heard, windows, strict=True)
    ]


def _percent(values: Sequence[float]) -> str:
    return f"{100 * sum(values) / len(values):.0f} %" if values else "none"

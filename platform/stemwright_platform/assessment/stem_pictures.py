"""Pictures of takes beside the real stems of the same place: notes and spectrograms, a picture a track."""

from collections.abc import Iterator

from stemwright.audio import read_audio
from stemwright.tasks import Task
from stemwright_platform.assessment.context import Context
from stemwright_platform.assessment.figure import Figure
from stemwright_platform.assessment.take import TakeOrder
from stemwright_platform.assessment.take_making import recorded
from stemwright_platform.assessment.window import Window
from stemwright_platform.evaluation.report.picture import Picture
from stemwright_platform.evaluation.task_name import JOINT, task_name
from stemwright_platform.pitch_picture import Stem, bar_lines, draw_stems

SONGS = 2
PICTURES = "pictures"
KINDS = ("together", "fitted")
"""All tracks made at once from the prompt; each track made with the others given."""


def stem_figures(context: Context) -> list[Figure]:
    """Draws, and measures nothing: what a page shows of an assessment without figures."""
    draw_takes(context)
    return []


def draw_takes(context: Context, songs: int = SONGS) -> list[Picture]:
    """Pictures of the first songs that are asked about, PNGs below OUT/pictures, a group a kind."""
    return [
        picture
        for window in context.music.asked[:songs]
        for kind in KINDS
        for picture in _drawn(context, window, kind)
    ]


def _drawn(context: Context, window: Window, kind: str) -> Iterator[Picture]:
    rate_hz = context.composer.codec.sample_rate_hz
    real = recorded(window, rate_hz)
    tracks = [track for track in context.tracks.names if track in real]
    orders = [TakeOrder(maker="model", window=window, task=_task(context, track, kind)) for track in tracks]
    bars_s = bar_lines(window.song.downbeats_s, window.start_s, window.duration_s)
    asked = list(dict.fromkeys(orders))  # together it is one take
    files = dict(zip(asked, context.sounds(asked, "takes to draw"), strict=True))
    for track, order in zip(tracks, orders, strict=True):
        stems = [
            Stem(name="made", audio=read_audio(files[order][track], rate_hz), bars_s=bars_s),
            Stem(name="real", audio=real[track], bars_s=bars_s),
        ]
        path = context.out / PICTURES / f"stems-{window.name}-{kind}-{track}.png"
        draw_stems(track, stems, rate_hz, path, about=_about(window, kind))
        alt = f"{track} of {window.song.song_id}, {kind}: notes and spectrogram, made beside real"
        yield Picture(file=path, group=kind, alt=alt)


def _task(context: Context, track: str, kind: str) -> str:
    if kind == "together":
        return JOINT
    others = tuple(name for name in context.tracks.names if name != track)
    return task_name(Task((track,), others, tracks=context.tracks))


def _about(window: Window, kind: str) -> str:
    """One line below the heading, short enough for its width."""
    known = window.song.metadata
    genre = ", ".join(known.genres)
    told = [genre, known.key or "", f"{known.tempo_bpm:.0f} bpm" if known.tempo_bpm else ""]
    how = "all tracks together" if kind == "together" else "the others given"
    return ", ".join([word for word in told if word] + [how])

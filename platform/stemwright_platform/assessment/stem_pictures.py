"""Pictures of takes beside the real stems of the same place: notes and spectrograms, a picture a track."""

from collections.abc import Iterator

from stemwright.audio import read_audio
from stemwright.tasks import Task
from stemwright_platform.assessment.context import Context
from stemwright_platform.assessment.take import TakeOrder
from stemwright_platform.assessment.take_making import recorded
from stemwright_platform.assessment.window import Window
from stemwright_platform.evaluation.report.picture import Picture
from stemwright_platform.evaluation.task_name import JOINT, task_name
from stemwright_platform.pitch_picture import Stem, bar_lines, draw_stems

SONGS = 2
PICTURES = "pictures"
TOGETHER, FITTED = "All tracks made together", "One track made to fit the others"
"""Groups of pictures."""


def stem_pictures(context: Context, songs: int = SONGS) -> list[Picture]:
    """Of the first songs that are asked about, each track beside the real one; PNGs below OUT/pictures.

    First all tracks made at once from the prompt, then each track made with the others given.
    """
    windows = context.music.asked[:songs]
    return [
        picture
        for window in windows
        for group in (TOGETHER, FITTED)
        for picture in _drawn(context, window, group)
    ]


def _drawn(context: Context, window: Window, group: str) -> Iterator[Picture]:
    rate_hz = context.composer.codec.sample_rate_hz
    real = recorded(window, rate_hz)
    tracks = [track for track in context.tracks.names if track in real]
    orders = [TakeOrder(maker="model", window=window, task=_task(context, track, group)) for track in tracks]
    bars_s = bar_lines(window.song.downbeats_s, window.start_s, window.duration_s)
    for track, sounds in zip(tracks, context.sounds(orders, "takes to draw"), strict=True):
        made = read_audio(sounds[track], rate_hz)
        stems = [
            Stem(name="made", audio=made, bars_s=bars_s),
            Stem(name="real", audio=real[track], bars_s=bars_s),
        ]
        kind = "together" if group == TOGETHER else "fitted"
        path = context.out / PICTURES / f"stems-{kind}-{window.name}-{track}.png"
        draw_stems(track, stems, rate_hz, path, about=_about(window, kind))
        alt = f"{track} of {window.song.song_id}: notes and spectrogram, made beside real"
        yield Picture(file=path, group=group, alt=alt)


def _task(context: Context, track: str, group: str) -> str:
    if group == TOGETHER:
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

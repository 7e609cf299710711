"""The songs of an assessment: held-out demo songs made for it, or those of a manifest."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stemwright.errors import InputError
from stemwright.metrics.musicnn import HOP, SAMPLE_RATE_HZ, patch_starts
from stemwright_platform.assessment.assessment_plan import AssessmentPlan
from stemwright_platform.assessment.share import FEWEST
from stemwright_platform.assessment.window import Window, halves, windows_of
from stemwright_platform.corpus.demo.matched_corpus import GROUPS, make_matched_corpus
from stemwright_platform.corpus.demo_corpus import make_demo_corpus
from stemwright_platform.corpus.manifest import Song, read_manifest
from stemwright_platform.evaluation.strangers import TEMPO_TOLERANCE
from stemwright_platform.time_left import TimeLeft

SEED = 70_001
"""Of songs that are made; train on another."""
TAIL_S = 2.5
"""What a song lasts beyond two windows, so that both fit whatever its bars and its ending take."""
STRANGERS = 3
"""Places out of step with itself that a song without partners is held against."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Music:
    """Windows of held-out songs."""

    asked: tuple[Window, ...]
    """What takes of all tracks are asked for."""
    reference: tuple[Window, ...]
    """Of other songs, as many where there are: what distances are taken to."""
    matched: tuple[Window, ...]
    """What single tracks are asked for, given the others."""
    strangers: tuple[tuple[Window, ...], ...]
    """Of each of `matched`, places that its tracks do not belong with though tempo and key are equal."""
    about: str
    """One line on what songs these are."""

    def first(self, count: int) -> "Music":
        """The first windows of each kind."""
        return Music(
            asked=self.asked[:count],
            reference=self.reference[:count],
            matched=self.matched[:count],
            strangers=self.strangers[:count],
            about=self.about,
        )


def music_of(plan: AssessmentPlan, out: Path) -> Music:
    """The songs of a plan, made where they are to be. InputError where none is long enough."""
    clips = clips_of(plan.patches, plan.duration_s)
    if plan.manifest:
        songs = [song for song in read_manifest(plan.manifest) if plan.split in (None, song.split)]
        matched, about = songs, f"{len(songs)} of {plan.manifest}"
    else:
        folder = Path(plan.songs_folder or out / "songs")
        songs, matched = _general_songs(plan, clips, folder), _matched_songs(plan, folder)
        fonts = ", ".join(Path(font).name for font in plan.soundfonts) or "the default sound font"
        about = f"{len(songs)} demo songs and {len(matched)} of equal tempo and key, played by {fonts}"
    asked, reference = halves(windows_of(songs, plan.duration_s, 2 * clips, seed=plan.seed))
    if not asked:
        raise InputError(
            f"{plan.manifest}: no song of split '{plan.split}' lasts {plan.duration_s:g} s: choose a shorter "
            "--duration or another --split"
        )
    windows = enough(
        windows_of(matched, plan.duration_s, plan.coherence_songs, seed=plan.seed + 1), plan.coherence_songs
    )
    of_windows = [strangers_of(window, windows) for window in windows]
    known = [(window, found) for window, found in zip(windows, of_windows, strict=True) if found]
    return Music(
        asked=tuple(asked[:clips]),
        reference=tuple(reference[:clips]),
        matched=tuple(window for window, _ in known),
        strangers=tuple(found for _, found in known),
        about=about,
    )


def clips_of(patches: int, duration_s: float) -> int:
    """Windows that have so many embeddings together."""
    return ceil(patches / len(patch_starts(1 + int(duration_s * SAMPLE_RATE_HZ) // HOP)))


def enough(windows: Sequence[Window], wanted: int) -> list[Window]:
    """The windows, each asked for several times where there are too few to tell anything."""
    takes = 1 if len(windows) >= FEWEST or not windows else ceil(wanted / len(windows))
    return [replace(window, take=take) for take in range(takes) for window in windows]


def strangers_of(window: Window, windows: Sequence[Window]) -> tuple[Window, ...]:
    """Windows of other songs of the same tempo and key; where there is none, other places of the same song,
    out of step by a part of a sixteenth."""
    others = [other for other in windows if _alike(window, other)]
    return tuple(others) or out_of_step(window)


def _alike(one: Window, other: Window) -> bool:
    """Of two songs with one key and one tempo."""
    if one.song.song_id == other.song.song_id or one.key is None or one.key != other.key:
        return False
    if one.tempo_bpm is None or other.tempo_bpm is None:
        return False
    return abs(other.tempo_bpm / one.tempo_bpm - 1) <= TEMPO_TOLERANCE


def out_of_step(window: Window) -> tuple[Window, ...]:
    """`STRANGERS` places of the same song, a beat or more away and off every grid of sixteenths; of a song
    that has no room for them the window itself, played round from there."""
    sixteenth_s = 15 / (window.tempo_bpm or 120)
    room_s = window.song.duration_s - window.duration_s
    rng = np.random.default_rng([*window.name.encode()])

    def off_s(first: int, last: int) -> NDArray[np.float64]:
        steps = np.array([step for step in range(first, last + 1) if not -4 <= step < 4])
        return (steps + rng.uniform(0.25, 0.75, len(steps))) * sixteenth_s

    most = int(room_s / sixteenth_s)
    starts_s = window.start_s + off_s(-most - 1, most)
    fitting = rng.permutation(starts_s[(starts_s >= 0) & (starts_s <= room_s)])[:STRANGERS]
    if len(fitting):
        return tuple(replace(window, start_s=round(float(start_s), 3)) for start_s in fitting)
    turns_s = rng.permutation(off_s(4, int(window.duration_s / sixteenth_s) - 5))[:STRANGERS]
    return tuple(replace(window, take=0, rolled_s=round(float(turn_s), 3)) for turn_s in turns_s)


def _general_songs(plan: AssessmentPlan, clips: int, folder: Path) -> list[Song]:
    """Songs with two windows each, all of them held out."""
    with _progress("making held-out songs", clips) as on_song:
        manifest = make_demo_corpus(
            folder / "demo",
            max(clips, 2),
            seed=SEED,
            duration_s=2 * plan.duration_s + TAIL_S,
            soundfonts=plan.soundfonts,
            jobs=len(os.sched_getaffinity(0)),
            on_song=on_song,
        )
    return read_manifest(manifest)


def _matched_songs(plan: AssessmentPlan, folder: Path) -> list[Song]:
    """Songs in groups of one tempo and one key, two or more of each."""
    groups = min(len(GROUPS), max(1, plan.coherence_songs // 2))
    each = max(2, ceil(plan.coherence_songs / groups))
    with _progress("making songs of one tempo and key", groups * each) as on_song:
        manifest = make_matched_corpus(
            folder / "matched",
            groups,
            each,
            seed=SEED,
            duration_s=2 * plan.duration_s + TAIL_S,
            soundfonts=[Path(font) for font in plan.soundfonts],
            on_song=on_song,
        )
    return read_manifest(manifest)


@contextmanager
def _progress(label: str, songs: int) -> Iterator[Callable[[str], None]]:
    progress = TimeLeft(label, songs)
    try:
        yield lambda song_id: progress.advance(1, song_id)
    finally:
        progress.close()

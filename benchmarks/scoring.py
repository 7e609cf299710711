"""Scoring of clips: times real time on one core, what the store saves, two actors against one, memory.

    make bench-scoring      (or: python benchmarks/scoring.py speed scaling memory)

A clip is four stems of a demo song and their mix, scored as all tracks at once and as each track given the
rest: every embedded feature, every score.
speed: one process with one thread, anew and from the store. scaling: Ray actors, from the first clip that is
done to the last, so that starting up does not count. memory: a process that scores 10,000 clips, which are a
few repeated under other names, their features kept: its memory after 1,000 and after 10,000, then with means,
intervals and the Fréchet distance of all mixes. Writes benchmarks/results/scoring.md and .json;
parts that were measured before stay.
"""

import argparse
import gc
import json
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import psutil
import torch
from machine import RESULTS, hardware, table
from threadpoolctl import threadpool_limits

from stemwright.tasks import Task
from stemwright.tracks import TRACKS
from stemwright_platform.corpus.demo_corpus import make_demo_corpus
from stemwright_platform.corpus.manifest import read_manifest
from stemwright_platform.crew import by_actors
from stemwright_platform.evaluation.clip import Clip
from stemwright_platform.evaluation.clip_score_table import ClipScoreWriter, read_clip_scores
from stemwright_platform.evaluation.clip_scoring import ClipScoring, ScoreItem
from stemwright_platform.evaluation.evaluate import clip_rows
from stemwright_platform.evaluation.feature_choice import FeatureChoice
from stemwright_platform.evaluation.feature_store import FeatureStore
from stemwright_platform.evaluation.frechet_scoring import FrechetScoring
from stemwright_platform.evaluation.hearing import Hearing
from stemwright_platform.evaluation.reference_set import ReferenceSet
from stemwright_platform.evaluation.sound_group import sound_groups
from stemwright_platform.evaluation.task_name import named_tasks, task_name

CLIP_S = 10.0
PARTS = ("speed", "scaling", "memory")
SPEED_TARGET, SCALING_TARGET = 10.0, 0.85
FEW, MANY = 1_000, 10_000
CHOICE = FeatureChoice()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("parts", nargs="*", default=PARTS, help=f"of {', '.join(PARTS)}; all by default")
    parser.add_argument("--clips", type=int, default=24, help="different clips")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clips = demo_clips(Path(folder), arguments.clips)
        measure = {"speed": speed_rows, "scaling": scaling_rows, "memory": memory_rows}
        found = {part: measure[part](clips, Path(folder)) for part in arguments.parts}
    path = arguments.out / "scoring.json"
    known = json.loads(path.read_text()) if path.is_file() else {}
    known |= {part: {"hardware": hardware(), "rows": rows} for part, rows in found.items()}
    path.write_text(json.dumps(known, indent=1) + "\n")
    text = f"# Scoring of clips\n\n{arguments.clips} clips of {CLIP_S:g} s.\n"
    for part in PARTS:
        if part in known:
            text += f"\n## {part}\n\n{known[part]['hardware']}\n\n"
            text += table(("what", "figure", "target"), known[part]["rows"])
    (arguments.out / "scoring.md").write_text(text)
    print(text)


def demo_clips(folder: Path, count: int) -> list[list[ScoreItem]]:
    """The items of each clip."""
    songs = read_manifest(make_demo_corpus(folder / "corpus", count, duration_s=CLIP_S, seed=3))
    tasks = named_tasks(["joint", "conditional"], TRACKS)
    found = []
    for song in songs:
        sounds = {name: Path(paths[0]) for name, paths in song.tracks.items() if paths}
        clip = Clip(
            clip=song.song_id,
            song=song.song_id,
            start_s=0.0,
            duration_s=song.duration_s,
            prompt="slow blues",
            tracks=tuple(sounds),
            tempo_bpm=song.metadata.tempo_bpm,
            key=song.metadata.key,
        )
        found.append([_item(clip, task, sounds, Path(song.mix_path or "")) for task in tasks])
    return found


def _item(clip: Clip, task: Task, sounds: dict[str, Path], mix: Path) -> ScoreItem:
    return ScoreItem(
        system="model",
        task=task_name(task),
        clip=clip,
        targets=tuple(name for name in task.targets if name in sounds),
        given=tuple(name for name in task.given if name in sounds),
        sounds={**sounds, "mix": mix} if not task.given else sounds,
        folder=mix,
    )


def seconds(clips: Sequence[Sequence[ScoreItem]]) -> float:
    """Of music."""
    return sum(items[0].clip.duration_s for items in clips)


def speed_rows(clips: list[list[ScoreItem]], folder: Path) -> list[tuple[str, str, str]]:
    """One thread, by its own time, so that others on the machine take none away."""
    torch.set_num_threads(1)
    found = []
    with threadpool_limits(1):
        work = ClipScoring(CHOICE, FeatureStore(folder / "speed"))
        work(clips[0])
        for _ in range(2):
            began = time.process_time()
            for items in clips[1:]:
                work(items)
            found.append(seconds(clips[1:]) / (time.process_time() - began))
    return [
        ("clips scored anew, times real time on one core", f"{found[0]:.1f}", f"{SPEED_TARGET:g}"),
        ("the same from kept features", f"{found[1]:.0f}", ""),
    ]


def scaling_rows(clips: list[list[ScoreItem]], folder: Path) -> list[tuple[str, str, str]]:
    """Rates of one actor and of two, in turns."""
    rates = {1: [], 2: []}
    for turn in range(2):
        for workers in rates:
            store = folder / f"scaling-{turn}-{workers}"
            rates[workers].append(_rate(clips, store, workers))
            shutil.rmtree(store)
    one, two = (max(found) for found in rates.values())
    return [
        ("one actor, times real time", f"{one:.1f}", ""),
        ("two actors, times real time", f"{two:.1f}", ""),
        ("two over twice one", f"{two / one / 2:.2f}", f"{SCALING_TARGET:g}"),
    ]


def _rate(clips: list[list[ScoreItem]], store: Path, workers: int) -> float:
    """Seconds of music a second, without start-up and the end, where an actor may have nothing left."""
    make = partial(ClipScoring, CHOICE, FeatureStore(store))
    ends = [time.monotonic() for _ in by_actors(make, clips, workers=workers)]
    first, last = 2 * workers, len(ends) - workers
    return seconds(clips[first:last]) / (ends[last - 1] - ends[first - 1])


def memory_rows(clips: list[list[ScoreItem]], folder: Path) -> list[tuple[str, str, str]]:
    """MB of this process that are its own."""
    store = FeatureStore(folder / "memory")
    work = ClipScoring(CHOICE, store)
    joint, at = [items[:1] for items in clips], {}
    items: list[ScoreItem] = []
    with ClipScoreWriter(folder) as writer:
        for number in range(MANY):
            item = joint[number % len(joint)][0]
            item = replace(item, clip=replace(item.clip, clip=f"{number:05d}"))
            items.append(item)
            writer.add(item.system, item.task, item.clip.clip, work([item])[0])
            if number + 1 in (FEW, MANY):
                at[number + 1] = own_mb()
    rows = clip_rows(read_clip_scores(folder))
    after = own_mb()
    hearing = Hearing(CHOICE.embedders(), store)
    reference = ReferenceSet.of(
        {(name, "mix"): arrays for name, arrays in hearing(each[0].sounds["mix"]).items()} for each in joint
    )
    groups = [group for group in sound_groups(items) if group.part == "mix"]
    distances = [*FrechetScoring(hearing, reference).rows(groups)]
    return [
        (f"memory after {FEW:,} clips", f"{at[FEW]:.0f} MB", ""),
        (f"after {MANY:,}", f"{at[MANY]:.0f} MB, {at[MANY] / at[FEW]:.2f} times", "flat"),
        (f"with the means and intervals of {len(rows)} scores", f"{after:.0f} MB", ""),
        (f"after the Fréchet distance of {distances[0].n:,} mixes", f"{own_mb():.0f} MB", ""),
    ]


def own_mb() -> float:
    gc.collect()
    return psutil.Process().memory_full_info().uss / 1e6


if __name__ == "__main__":
    main()

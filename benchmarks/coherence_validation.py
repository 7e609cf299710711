"""Whether the scores of coherence tell stems of one song from stems of others, pair of tracks by pair.

    python benchmarks/coherence_validation.py --corpus compositions=corpus/manifest.parquet \
        --recording song=stems/manifest.parquet

Demo songs come in twelve groups of one tempo and one key each. A true pair is two tracks of one clip. A
shuffled one is the same two tracks from two clips of one group: "elsewhere" the clips begin anywhere, "on the
bar" each at a bar line, so that beats meet. "Other" pairs are of other groups. In a corpus a group is a song:
shuffled pairs are from two places of it, "elsewhere" off the grid of sixteenths. A recording too short for
that is rotated against itself. Writes results/coherence.md and .json.
"""

import argparse
import json
import multiprocessing
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from machine import RESULTS, hardware, table
from validation_clips import Clip, corpus_clips, demo_clips, rotated_clips

from stemwright.metrics.adherence import key_adherence, tempo_adherence
from stemwright.metrics.coherence import SCORES, Features, has_pitch, pair_scores
from stemwright.metrics.harmony import Harmony
from stemwright.metrics.levels import Levels
from stemwright.metrics.rhythm import Rhythm
from stemwright.metrics.separability import Separation, separate
from stemwright.tracks import TRACKS

FEATURES = (Rhythm(), Harmony(), Levels())
NAMES = tuple(feature.name for feature in FEATURES)
PAIRS = tuple(combinations(TRACKS.names, 2))
CONTRASTS = ("elsewhere", "on the bar", "other")
DEMO = "demo songs"
ROTATIONS = 8
OTHERS = 3
"""Pairs of other groups for each true one."""

Heard = tuple[Clip, dict[str, Features]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--songs", type=int, default=6, help="demo songs in each of twelve groups")
    parser.add_argument("--seconds", type=float, default=10.0, help="length of a clip")
    parser.add_argument("--corpus", action="append", default=[], metavar="NAME=MANIFEST")
    parser.add_argument("--corpus-songs", type=int, default=48)
    parser.add_argument("--recording", action="append", default=[], metavar="NAME=MANIFEST")
    arguments = parser.parse_args()
    # A process a set; spawned, for a fork of a process that runs threads may hang.
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
        found = list(pool.map(found_in, *zip(*((name, arguments) for name in names(arguments)), strict=True)))
    report(found, arguments)


def names(arguments: argparse.Namespace) -> list[str]:
    return [DEMO, *(given.split("=", 1)[0] for given in (*arguments.corpus, *arguments.recording))]


def found_in(name: str, arguments: argparse.Namespace) -> "Found":
    """In one set of clips."""
    torch.set_num_threads(1)
    clock = Clock()
    corpora = dict(given.split("=", 1) for given in arguments.corpus)
    recordings = dict(given.split("=", 1) for given in arguments.recording)
    if name == DEMO:
        clips = demo_clips(arguments.songs, arguments.seconds)
    elif name in corpora:
        clips = corpus_clips(Path(corpora[name]), arguments.corpus_songs, arguments.seconds)
    else:
        clips = rotated_clips(Path(recordings[name]), ROTATIONS)
    known = heard(clips, clock)
    return Found(name, list(validated(name, known)), adherence(known), clock)


class Found(NamedTuple):
    """In one set of clips."""

    name: str
    rows: list[dict]
    """As `row` makes them."""
    kept: dict[str, float]
    """Adherence by name."""
    clock: "Clock"


class Clock:
    """CPU seconds of the features, by name, and the seconds of audio that they heard."""

    def __init__(self) -> None:
        self.spent_s = dict.fromkeys(NAMES, 0.0)
        self.audio_s = 0.0


def heard(clips: Iterable[Clip], clock: Clock) -> list[Heard]:
    """Clips without their audio, and what the features say of each track."""
    found: list[Heard] = []
    for clip in clips:
        tracks: dict[str, Features] = {}
        for track, stem in clip.stems.items():
            clock.audio_s += stem.shape[1] / 48_000
            tracks[track] = features = {}
            for feature in FEATURES:
                start_s = time.process_time()
                features[feature.name] = feature.extract(stem)
                clock.spent_s[feature.name] += time.process_time() - start_s
        clip.stems.clear()
        found.append((clip, tracks))
    return found


def validated(name: str, clips: Sequence[Heard]) -> Iterator[dict]:
    """Rows of score, pair and contrast, and of all pairs together."""
    true = list(true_pairs(clips))
    for contrast in CONTRASTS:
        shuffled = list(other_pairs(clips) if contrast == "other" else shuffled_pairs(clips, contrast))
        for score in SCORES if shuffled else ():
            for pair in (*(one for one in PAIRS if score not in HARMONIC or pitched(one)), None):
                found = separate(of(score, pair, true), of(score, pair, shuffled))
                yield row(name, score, pair, contrast, found, len(of(score, pair, shuffled)))


HARMONIC = ("chroma_agreement", "key_agreement")
Scored = tuple[tuple[str, str], dict[str, float]]


def true_pairs(clips: Sequence[Heard]) -> Iterator[Scored]:
    rotated = len({clip.group for clip, _ in clips}) == 1
    for clip, tracks in clips:
        # A rotated copy holds what the recording holds.
        if clip.place == "anywhere" and not (rotated and clip.number):
            yield from scored(tracks, tracks)


def shuffled_pairs(clips: Sequence[Heard], contrast: str) -> Iterator[Scored]:
    place = "bar" if contrast == "on the bar" else "anywhere"
    chosen = [one for one in clips if one[0].place == place]
    for clip, tracks in chosen:
        for other, others in chosen:
            if clip.group == other.group and clip.number != other.number:
                yield from scored(tracks, others)


def other_pairs(clips: Sequence[Heard]) -> Iterator[Scored]:
    rng = np.random.default_rng(0)
    chosen = [one for one in clips if one[0].place == "anywhere"]
    for clip, tracks in chosen:
        far = [others for other, others in chosen if differ(clip, other)]
        for index in rng.choice(len(far), min(OTHERS, len(far)), replace=False) if far else ():
            yield from scored(tracks, far[index])


def differ(clip: Clip, other: Clip) -> bool:
    """In tempo, its octaves too, and in key."""
    if clip.tempo_bpm is None or other.tempo_bpm is None:
        return False
    octaves = np.log2(clip.tempo_bpm / other.tempo_bpm)
    return clip.key != other.key and abs(octaves - round(octaves)) > np.log2(1.06)


def scored(tracks: dict[str, Features], others: dict[str, Features]) -> Iterator[Scored]:
    for one, other in PAIRS:
        if one in tracks and other in others:
            yield (one, other), pair_scores(tracks[one], others[other], pitched=pitched((one, other)))


def pitched(pair: tuple[str, str]) -> bool:
    return all(map(has_pitch, pair))


def of(score: str, pair: tuple[str, str] | None, pairs: Sequence[Scored]) -> list[float]:
    return [found[score] for one, found in pairs if pair in (one, None) and np.isfinite(found[score])]


def row(
    name: str, score: str, pair: tuple[str, str] | None, contrast: str, found: Separation, n: int
) -> dict:
    part = "|".join(pair) if pair else "all pairs"
    return {"set": name, "score": score, "pair": part, "contrast": contrast, **asdict(found), "n_shuffled": n}


def adherence(clips: Sequence[Heard]) -> dict[str, float]:
    """Mean tempo and key adherence to what the songs truly have, and to what they have not."""
    tempo, faster, key, exact = [], [], [], []
    for clip, tracks in clips:
        if clip.tempo_bpm and "drums" in tracks:
            tempo.append(tempo_adherence(tracks["drums"]["rhythm"], clip.tempo_bpm))
            faster.append(tempo_adherence(tracks["drums"]["rhythm"], 1.2 * clip.tempo_bpm))
        if clip.key:
            harmonies = [features["harmony"] for track, features in tracks.items() if has_pitch(track)]
            key.append(key_adherence(harmonies, clip.key))
            exact.append(float(key[-1] == 1))
    names = ("tempo kept", "tempo kept, asked for 1.2 times it", "key, MIREX's weights", "key exact")
    return {
        name: round(float(np.nanmean(values)), 3)
        for name, values in zip(names, (tempo, faster, key, exact), strict=True)
        if len(values) > 1
    }


def report(found_in_sets: Sequence[Found], arguments: argparse.Namespace) -> None:
    rows = [row for one in found_in_sets for row in one.rows]
    kept = {one.name: one.kept for one in found_in_sets}
    audio_s = sum(one.clock.audio_s for one in found_in_sets)
    spent_s = {name: sum(one.clock.spent_s[name] for one in found_in_sets) for name in NAMES}
    speed = {name: round(audio_s / spent_s[name]) for name in NAMES}
    speed["all three"] = round(audio_s / sum(spent_s.values()))
    facts = {"hardware": hardware(), "clip_s": arguments.seconds, "times_real_time": speed}
    found = json.dumps(facts | {"adherence": kept, "rows": rows}, indent=1)
    (RESULTS / "coherence.json").write_text(found + "\n", encoding="utf-8")
    text = "".join(
        [
            "# Coherence scores: true pairs of stems against shuffled ones\n\n",
            "`python benchmarks/coherence_validation.py` with `--corpus` and `--recording` as named below; ",
            f"{facts['hardware']}. Clips of {arguments.seconds:g} s. Each cell: AUC, Cohen's d.\n",
            *(section(name, rows) for name in dict.fromkeys(one["set"] for one in rows)),
            "\n## Adherence to the true tempo and key\n\n",
            table(
                ("set", "score", "mean"),
                [(s, k, f"{v:.2f}") for s, one in kept.items() for k, v in one.items()],
            ),
            "\n## Speed\n\nTimes real time, one core:\n\n",
            table(("feature", "times"), speed.items()),
        ]
    )
    (RESULTS / "coherence.md").write_text(text, encoding="utf-8")
    print(text)


def section(name: str, rows: Sequence[dict]) -> str:
    """A table of scores and contrasts by pairs."""
    parts = [*("|".join(pair) for pair in PAIRS), "all pairs"]
    cells = {(one["score"], one["contrast"], one["pair"]): one for one in rows if one["set"] == name}
    lines = []
    for score in SCORES:
        for contrast in CONTRASTS:
            if total := cells.get((score, contrast, "all pairs")):
                line = [shown(cells.get((score, contrast, part))) for part in parts]
                counts = f"{total['n']}, {total['n_shuffled']}"
                lines.append([score, contrast, *line, f"{total['p_value']:.0e}", counts])
    heads = ("score", "shuffled", *(part.replace("|", ", ") for part in parts), "p, all", "n, all")
    return f"\n## {name.capitalize()}\n\n" + table(heads, lines)


def shown(one: dict | None) -> str:
    return "–" if one is None or not one["n"] else f"{one['auc']:.2f}, {one['effect_size']:.1f}"


if __name__ == "__main__":
    main()

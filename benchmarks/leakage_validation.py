"""Whether a leak of one stem into another is found, with and without a round trip through the codec.

    python benchmarks/leakage_validation.py --corpus compositions=corpus/manifest.parquet

Into each stem of a clip another stem of the same clip is mixed, 20 or 30 dB below it by RMS; clean stems are
what it is compared with, all clips together. Both play the same music, so nothing but the leak tells them
apart. Writes results/leakage.md and .json.
"""

import argparse
import json
import multiprocessing
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from itertools import islice, permutations
from pathlib import Path

import numpy as np
import torch
from machine import RESULTS, hardware, table
from torch import Tensor
from validation_clips import Clip, corpus_clips, demo_clips, rotated_clips

from stemwright.mdct_codec import MdctCodec
from stemwright.metrics.leakage import leakage
from stemwright.metrics.separability import separate
from stemwright.tracks import TRACKS

DEMO = "demo songs"
LEVELS_DB = (-20, -30)

Values = dict[tuple[int | None, bool], list[float]]
"""Level of the leak, None for a clean stem, and whether it went through the codec → leakages."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--clips", type=int, default=12, help="of each set, each of another song")
    parser.add_argument("--seconds", type=float, default=10.0, help="length of a clip")
    parser.add_argument("--corpus", action="append", default=[], metavar="NAME=MANIFEST")
    parser.add_argument("--recording", action="append", default=[], metavar="NAME=MANIFEST")
    arguments = parser.parse_args()
    given = {DEMO: "", **dict(one.split("=", 1) for one in (*arguments.corpus, *arguments.recording))}
    # A process a set; spawned, for a fork of a process that runs threads may hang.
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
        found = list(pool.map(found_in, given, [arguments] * len(given)))
    rows = [row for one in found for row in one]
    facts = {"hardware": hardware(), "clip_s": arguments.seconds}
    (RESULTS / "leakage.json").write_text(
        json.dumps(facts | {"rows": rows}, indent=1) + "\n", encoding="utf-8"
    )
    report(rows, facts)


def found_in(name: str, arguments: argparse.Namespace) -> list[dict]:
    """Rows of one set of clips."""
    torch.set_num_threads(1)
    corpora = dict(given.split("=", 1) for given in arguments.corpus)
    recordings = dict(given.split("=", 1) for given in arguments.recording)
    if name == DEMO:
        clips = demo_clips(1, arguments.seconds)
    elif name in corpora:
        clips = corpus_clips(Path(corpora[name]), arguments.clips, arguments.seconds)
    else:
        clips = rotated_clips(Path(recordings[name]), 1)
    chosen = (clip for clip in clips if clip.place == "anywhere" and clip.number == 0)
    return compared(name, measured(islice(chosen, arguments.clips)))


def measured(clips: Iterable[Clip]) -> Values:
    """Of every ordered pair of tracks."""
    codec, values = MdctCodec(), defaultdict(list)
    for clip in clips:
        coded = {track: round_trip(codec, stem) for track, stem in clip.stems.items()}
        for target, given in permutations((name for name in TRACKS.names if name in clip.stems), 2):
            source = at_level_of(clip.stems[given], clip.stems[target])
            values[None, False].append(leakage(clip.stems[target], source))
            values[None, True].append(leakage(coded[target], source))
            for level_db in LEVELS_DB:
                leaked = clip.stems[target] + 10 ** (level_db / 20) * source
                values[level_db, False].append(leakage(leaked, source))
                values[level_db, True].append(leakage(round_trip(codec, leaked), source))
    return values


def round_trip(codec: MdctCodec, stem: Tensor) -> Tensor:
    return codec.decode(codec.encode(stem[None]))[0, :, : stem.shape[1]]


def at_level_of(stem: Tensor, like: Tensor) -> Tensor:
    return stem * (like.square().mean() / stem.square().mean()).sqrt()


def compared(name: str, values: Values) -> list[dict]:
    """Rows of leak and codec."""
    rows = []
    for (level_db, coded), found in sorted(values.items(), key=lambda one: (one[0][1], -(one[0][0] or 0))):
        clean = values[None, coded]
        row = {"set": name, "leak_db": level_db, "codec": coded, "median": float(np.median(found))}
        row |= {"low": float(np.quantile(found, 0.05)), "high": float(np.quantile(found, 0.95))}
        if level_db is not None:
            row |= asdict(separate(found, clean)) | {"higher": float(np.mean(np.array(found) > clean))}
        rows.append(row)
    return rows


def report(rows: list[dict], facts: dict) -> None:
    lines = [
        (
            row["set"],
            "clean" if row["leak_db"] is None else f"{row['leak_db']} dB",
            "codec" if row["codec"] else "–",
            f"{row['median']:.3f}",
            f"{row['low']:.3f} to {row['high']:.3f}",
            *((f"{row['auc']:.2f}", f"{100 * row['higher']:.0f} %", row["n"]) if "auc" in row else ("",) * 3),
        )
        for row in rows
    ]
    heads = ("set", "leak", "round trip", "median", "5 to 95 %", "AUC", "above its own clean stem", "pairs")
    text = (
        "# Leaks of one stem into another\n\n`python benchmarks/leakage_validation.py`; "
        f"{facts['hardware']}. Clips of {facts['clip_s']:g} s.\n\n" + table(heads, lines)
    )
    (RESULTS / "leakage.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()

"""Whether a leak of one stem into another is found, with and without a round trip through the codec.

    python benchmarks/leakage_validation.py --corpus compositions=corpus/manifest.parquet

Into each stem of a clip another stem of the same clip is mixed, 20 or 30 dB below it by RMS; clean stems are
what it is compared with, all clips together. Both play the same music, so nothing but the leak tells them
apart. Writes results/leakage.md and .json.
"""

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict
from itertools import permutations
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

LEVELS_DB = (-20, -30)

Values = dict[tuple[int | None, bool], list[float]]
"""Level of the leak, None for a clean stem, and whether it went through the codec → leakages."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--songs", type=int, default=2, help="demo songs in each of twelve groups")
    parser.add_argument("--seconds", type=float, default=10.0, help="length of a clip")
    parser.add_argument("--corpus", action="append", default=[], metavar="NAME=MANIFEST")
    parser.add_argument("--corpus-songs", type=int, default=12)
    parser.add_argument("--recording", action="append", default=[], metavar="NAME=MANIFEST")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    sets: dict[str, Iterable[Clip]] = {"demo songs": demo_clips(arguments.songs, arguments.seconds)}
    for name, manifest in (given.split("=", 1) for given in arguments.corpus):
        sets[name] = corpus_clips(Path(manifest), arguments.corpus_songs, arguments.seconds)
    for name, manifest in (given.split("=", 1) for given in arguments.recording):
        sets[name] = rotated_clips(Path(manifest), 1)
    start_s = time.process_time()
    rows = [row for name, clips in sets.items() for row in compared(name, measured(clips))]
    facts = {
        "hardware": hardware(),
        "clip_s": arguments.seconds,
        "cpu_s": round(time.process_time() - start_s),
    }
    (RESULTS / "leakage.json").write_text(
        json.dumps(facts | {"rows": rows}, indent=1) + "\n", encoding="utf-8"
    )
    report(rows, facts)


def measured(clips: Iterable[Clip]) -> Values:
    """Of every ordered pair of tracks of the clips that begin anywhere."""
    codec, values = MdctCodec(), defaultdict(list)
    for clip in clips:
        if clip.place == "bar":
            continue
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
        f"{facts['hardware']}, {facts['cpu_s']} s of CPU time. Clips of {facts['clip_s']:g} s.\n\n"
        + table(heads, lines)
    )
    (RESULTS / "leakage.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()

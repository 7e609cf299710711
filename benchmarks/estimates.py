"""How often tempo, key and downbeats are estimated right, on demo songs, whose truth is known.

    python benchmarks/estimates.py --songs 52 --seed 11 --seconds 20

A tempo is right within 4 %; "octave" is half or double of it within 4 %. A key's mode counts as minor where
it has a minor third. Downbeats: F-measure with 70 ms of tolerance. Writes benchmarks/results/estimates.md.
"""

import argparse
import os
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from stemwright.prompts import SongMetadata
from stemwright_platform.corpus.demo_corpus import make_demo_corpus
from stemwright_platform.corpus.estimates import with_estimates
from stemwright_platform.corpus.manifest import Song, read_manifest

RESULTS = Path(__file__).parent / "results"
TEMPO_TOLERANCE = 0.04
BEAT_TOLERANCE_S = 0.07
MINOR_MODES = ("minor", "dorian", "phrygian")
SHARPS = {"Db": "C#", "Eb": "D#", "Gb": "F#", "Ab": "G#", "Bb": "A#", "Cb": "B"}
PITCHES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--songs", type=int, default=52)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--seconds", type=float, default=20.0, help="length of a song")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        songs = read_manifest(
            make_demo_corpus(
                folder,
                arguments.songs,
                seed=arguments.seed,
                duration_s=arguments.seconds,
                jobs=os.cpu_count() or 1,
            )
        )
        with_estimates(bare(songs[0]))  # compiles librosa's loops
        start = time.perf_counter()
        pairs = [(song, with_estimates(bare(song))) for song in songs]
        elapsed_s = time.perf_counter() - start
    text = table(pairs, elapsed_s / sum(song.duration_s for song in songs), arguments)
    (RESULTS / "estimates.md").write_text(text, encoding="utf-8")
    print(text)


def bare(song: Song) -> Song:
    """Without the fields that can be estimated."""
    return replace(song, metadata=SongMetadata(), downbeats_s=())


def table(pairs: Sequence[tuple[Song, Song]], seconds: float, arguments: argparse.Namespace) -> str:
    """Markdown."""
    tempi = Counter(tempo_verdict(true, found) for true, found in pairs)
    keys = Counter(key_verdict(true.metadata.key, found.metadata.key) for true, found in pairs)
    scores = [f_measure(true.downbeats_s, found.downbeats_s) for true, found in pairs]
    rows = {
        "tempo within 4 %": f"{tempi['right']} of {len(pairs)}",
        "tempo half or double": f"{tempi['octave']}",
        "tempo otherwise wrong": f"{tempi['wrong']}",
        "key exact": f"{keys['exact']} of {len(pairs)}",
        "key relative": f"{keys['relative']}",
        "key a fifth off": f"{keys['fifth']}",
        "key parallel": f"{keys['parallel']}",
        "key otherwise wrong": f"{keys['wrong']}",
        "downbeats, mean F": f"{np.mean(scores):.2f}",
        "songs with downbeats right (F above 0.8)": f"{sum(score > 0.8 for score in scores)} of {len(pairs)}",
        "seconds of work a second of song, one core": f"{seconds:.3f}",
    }
    head = f"Demo songs: {arguments.songs} of {arguments.seconds:g} s, seed {arguments.seed}.\n\n"
    return (
        head
        + "| estimate | |\n|---|---|\n"
        + "".join(f"| {name} | {value} |\n" for name, value in rows.items())
    )


def tempo_verdict(true: Song, found: Song) -> str:
    if found.metadata.tempo_bpm is None or true.metadata.tempo_bpm is None:
        return "wrong"
    ratio = found.metadata.tempo_bpm / true.metadata.tempo_bpm
    if abs(ratio - 1) <= TEMPO_TOLERANCE:
        return "right"
    return "octave" if any(abs(ratio / step - 1) <= TEMPO_TOLERANCE for step in (0.5, 2.0)) else "wrong"


def key_verdict(true: str | None, found: str | None) -> str:
    if true is None or found is None:
        return "wrong"
    (tonic, minor), (other, other_minor) = parsed(true), parsed(found)
    if minor == other_minor:
        return {0: "exact", 5: "fifth", 7: "fifth"}.get((other - tonic) % 12, "wrong")
    if tonic == other:
        return "parallel"
    return "relative" if (other - tonic) % 12 == (3 if minor else 9) else "wrong"


def parsed(key: str) -> tuple[int, bool]:
    """Pitch class of the tonic, and whether the third is minor."""
    tonic, mode = key.split()
    return PITCHES.index(SHARPS.get(tonic, tonic)), mode in MINOR_MODES


def f_measure(true_s: Sequence[float], found_s: Sequence[float]) -> float:
    if not found_s:
        return 0.0
    true, found = np.array(true_s), np.array(found_s)
    hits = int((np.abs(true[:, None] - found).min(axis=1) < BEAT_TOLERANCE_S).sum())
    return 2 * hits / (len(true) + len(found))


if __name__ == "__main__":
    main()

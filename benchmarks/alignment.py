"""How often an upload's tempo, beats and bars are heard right, each stem alone.

    make bench-alignment      (or: python benchmarks/alignment.py --manifest corpus/manifest.parquet)

Half a minute of each stem of demo songs, cut so that it begins anywhere, offered to a composition whose tempo
is another by up to a sixth. Writes benchmarks/results/alignment.md.
"""

import argparse
import math
import random
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np
import soundfile
import soxr
from machine import RESULTS, table

from stemwright_platform.corpus.demo_corpus import make_demo_corpus
from stemwright_platform.corpus.estimates import is_drums
from stemwright_platform.corpus.manifest import Song, read_manifest
from stemwright_platform.serving.alignment import alignment
from stemwright_platform.serving.schema import Alignment
from stemwright_platform.serving.steady_pulse import SAMPLE_RATE_HZ, steady_pulse

HEARD_S = 30
RIGHT_S = 0.03
RIGHT_TEMPO = 0.005
ABOUT = (__doc__ or "").split("\n\n")[2].strip()


def judged(song: Song, track: str, path: str, rng: random.Random) -> tuple[bool, bool, bool] | None:
    """Whether tempo, beats and bars are right; None for a stem that rests."""
    tempo_bpm = song.metadata.tempo_bpm
    assert tempo_bpm is not None
    assert song.downbeats_s is not None
    start_s = rng.uniform(0, song.downbeats_s[1])
    with soundfile.SoundFile(path) as file:
        file.seek(round(start_s * file.samplerate))
        samples = file.read(HEARD_S * file.samplerate, dtype="float32", always_2d=True)
        audio = soxr.resample(samples.mean(axis=1), file.samplerate, SAMPLE_RATE_HZ)
    if np.abs(audio).max() < 1e-3:
        return None
    asked_bpm = tempo_bpm * 2 ** rng.uniform(-0.22, 0.22)
    pulse = steady_pulse(audio, about_bpm=asked_bpm, beats_per_bar=4, is_drums=is_drums(track))
    found = alignment(pulse, asked_bpm, 4)
    bar_s = song.downbeats_s[1] - start_s
    return right(found, tempo_bpm, asked_bpm, bar_s)


def right(found: Alignment, tempo_bpm: float, asked_bpm: float, bar_s: float) -> tuple[bool, bool, bool]:
    true, beat_s = tempo_bpm / asked_bpm, 60 / asked_bpm
    from_beat = math.remainder(bar_s * true + found.offset_to_beat_s, beat_s)
    from_bar = math.remainder(bar_s * true + found.offset_to_bar_s, 4 * beat_s)
    same = abs(found.stretch / true - 1) < RIGHT_TEMPO
    return same, abs(from_beat) < RIGHT_S, abs(from_bar) < RIGHT_S


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--manifest", type=Path, help="a demo corpus; 40 songs are made where it is left out")
    parser.add_argument("--songs", type=int, default=40)
    asked = parser.parse_args()
    rng, found = random.Random(0), defaultdict[str, list[tuple[bool, bool, bool]]](list)
    with tempfile.TemporaryDirectory() as folder:
        manifest = asked.manifest or make_demo_corpus(Path(folder), asked.songs, seed=77)
        songs = read_manifest(manifest)
        chosen = [song for song in songs if asked.manifest is None or song.split == "test"][: asked.songs]
        for song in chosen:
            for track, paths in song.tracks.items():
                if paths and (said := judged(song, track, paths[0], rng)):
                    found[track].append(said)
    rows = [
        (track, len(said), *(f"{np.mean(part):.0%}" for part in zip(*said, strict=True)))
        for track, said in found.items()
    ]
    heads = ("stem", "heard", "tempo within 0.5 %", "beats within 30 ms", "bars within 30 ms")
    chance = "By chance, bars would be right in a quarter of those whose beats are."
    text = f"# Uploads on the grid\n\n{ABOUT}\n\n{table(heads, rows)}\n{chance}\n"
    print(text)
    (RESULTS / "alignment.md").write_text(text)


if __name__ == "__main__":
    main()

"""Latents of the demo corpus, which several benchmarks learn from."""

import os
from pathlib import Path

from stemwright.codec import load_codec
from stemwright_platform.corpus.demo_corpus import make_demo_corpus
from stemwright_platform.corpus.encode_locally import prepare_locally
from stemwright_platform.corpus.encode_shard import Encoding
from stemwright_platform.corpus.manifest import read_manifest

SONG_S = 30.0


def prepared(work: Path, songs: int) -> Path:
    """The folder of latents in `work`; what an earlier call made is kept."""
    data = work / "latents"
    if not (data / "dataset.json").exists():
        print(f"making {songs} demo songs and their latents in {work}", flush=True)
        manifest = make_demo_corpus(
            work / "corpus", songs, seed=1, duration_s=SONG_S, jobs=os.cpu_count() or 1
        )
        prepare_locally(read_manifest(manifest), data, Encoding(codec=load_codec("mdct")))
    return data

"""Encoding a corpus: Ray Data against a plain loop, memory over hours of audio, and planning 800 hours.

    make bench-encoding     (or: python benchmarks/encoding.py throughput --codec encodec --minutes 8)

throughput  audio seconds a second by Ray Data's actors and by a pool of processes that run the same function
            on the same cores and files, in turns; start of actors and processes included
memory      peak memory of the driver and of an encoder for half an hour and for five hours, and for a song of
            a minute and one of two hours
plan        `stemwright prepare --dry-run` on a manifest of 12,000 songs

Songs are a few of the demo corpus, repeated under other names. Writes benchmarks/results/encoding.json.
"""

import argparse
import json
import multiprocessing
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from queue import Empty
from typing import Any

import numpy as np
import psutil
import soundfile
import torch

from stemwright.codec import Codec
from stemwright.data_folder import DataFolder
from stemwright.encodec_codec import EncodecCodec
from stemwright_platform import cluster
from stemwright_platform.corpus.demo_corpus import make_demo_corpus
from stemwright_platform.corpus.encode import CodecChoice, encode_corpus
from stemwright_platform.corpus.encode_shard import Encoding, encode_shard
from stemwright_platform.corpus.manifest import Song, read_manifest, write_manifest
from stemwright_platform.corpus.preparation import Preparation

RESULTS = Path(__file__).parent / "results" / "encoding.json"
PREPARE = "from stemwright_platform.cli import main; main()"
DEMO_SONGS, DEMO_S = 4, 60.0
SAMPLE_S = 0.1
"""Between two looks at a process's memory."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RandomEncodec(CodecChoice):
    """EnCodec's architecture with random weights: its speed without the published ones."""

    def load(self) -> Codec:
        return EncodecCodec.random(0, device=self.device)


CHOICES: dict[str, CodecChoice] = {"mdct": CodecChoice(), "encodec": RandomEncodec()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", nargs="*", default=["throughput", "memory", "plan"])
    parser.add_argument("--codec", nargs="+", default=["mdct", "encodec"], choices=sorted(CHOICES))
    parser.add_argument("--minutes", type=float, help="audio of a throughput trial")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        demo = read_manifest(make_demo_corpus(folder, DEMO_SONGS, duration_s=DEMO_S, jobs=arguments.workers))
        for what in arguments.what:
            if what == "throughput":
                for codec in arguments.codec:
                    minutes = arguments.minutes or (60 if codec == "mdct" else 4)
                    songs = repeated(demo, 60 * minutes)
                    record(f"throughput {codec}", throughput(songs, codec, arguments, Path(folder)))
            elif what == "memory":
                record("memory", memory(demo, Path(folder), arguments.workers))
            elif what == "plan":
                record("plan", plan(Path(folder)))
            else:
                parser.error(f"unknown benchmark '{what}': choose throughput, memory or plan")


def repeated(songs: Sequence[Song], duration_s: float) -> list[Song]:
    """The songs again and again under other names."""
    count = max(1, round(duration_s / statistics.mean(song.duration_s for song in songs)))
    return [
        replace(songs[number % len(songs)], song_id=f"song {number:05d}", split="train")
        for number in range(count)
    ]


def throughput(songs: list[Song], codec: str, arguments: Any, folder: Path) -> dict[str, object]:
    choice, workers = CHOICES[codec], arguments.workers
    cluster.connect(num_cpus=workers)
    duration_s = sum(song.duration_s for song in songs)
    times: dict[str, list[float]] = {"loop": [], "ray": []}
    for _ in range(arguments.repeats):
        times["loop"].append(timed(lambda work: loop(work, choice, workers), songs, choice, folder))
        times["ray"].append(
            timed(lambda work: encode_corpus(work, choice, max_workers=workers), songs, choice, folder)
        )
        print({name: [round(s, 1) for s in seconds] for name, seconds in times.items()}, flush=True)
    best = {name: min(seconds) for name, seconds in times.items()}
    return {
        "audio_s": round(duration_s),
        "workers": workers,
        "loop_times_real_time": round(duration_s / best["loop"], 2),
        "ray_times_real_time": round(duration_s / best["ray"], 2),
        "ratio": round(best["loop"] / best["ray"], 3),
    }


def timed(
    run: Callable[[Preparation], object], songs: list[Song], choice: CodecChoice, folder: Path
) -> float:
    """Seconds to encode the songs into a new folder."""
    out = folder / "latents"
    work = Preparation.of(songs, DataFolder(out), Encoding(codec=choice.load()))
    start = time.perf_counter()
    run(work)
    seconds = time.perf_counter() - start
    shutil.rmtree(out)
    return seconds


def loop(work: Preparation, choice: CodecChoice, workers: int) -> None:
    """The work by a pool of plain processes, each with one thread as Ray's actors have."""
    work.begin()
    context = multiprocessing.get_context("spawn")
    plans = context.Queue()
    for shard in work.missing:
        plans.put(shard)
    pool = [context.Process(target=drain, args=(plans, work.folder, choice)) for _ in range(workers)]
    for process in pool:
        process.start()
    for process in pool:
        process.join()
        assert process.exitcode == 0
    work.finish()


def drain(plans: Any, folder: DataFolder, choice: CodecChoice) -> None:
    torch.set_num_threads(1)
    encoding = Encoding(codec=choice.load())
    while True:
        try:
            shard = plans.get(timeout=0.5)
        except Empty:
            return
        encode_shard(shard, folder, encoding)


def memory(demo: list[Song], folder: Path, workers: int) -> dict[str, object]:
    rows: dict[str, object] = {}
    for hours in (0.5, 5.0):
        rows[f"{hours:g} h"] = prepare_peaks(repeated(demo, 3600 * hours), folder, workers)
    for name, seconds in (("a minute", 60), ("two hours", 7200)):
        song = long_song(folder / "long", seconds)
        rows[f"a song of {name}"] = prepare_peaks([song], folder, 1)
    for role in ("driver", "encoder"):
        short, long = (rows[hours][f"{role}_mb"] for hours in ("0.5 h", "5 h"))  # type: ignore[index]
        rows[f"{role}: 5 h over 0.5 h"] = round(long / short, 3)
    return rows


def prepare_peaks(songs: list[Song], folder: Path, workers: int) -> dict[str, float]:
    """Peak memory, in MB that no other process shares, of the driver and of the largest encoder."""
    manifest, out = folder / "hours.parquet", folder / "hours"
    write_manifest(manifest, songs)
    command = [sys.executable, "-c", PREPARE, "prepare", "--manifest", str(manifest), "--out", str(out)]
    start = time.perf_counter()
    driver = psutil.Popen([*command, "--workers", str(workers)], stdout=subprocess.DEVNULL)
    peaks = {"driver": 0.0, "encoder": 0.0}
    while driver.poll() is None:
        watch(driver, "driver", peaks)
        for child in children(driver):
            watch(child, "encoder", peaks)
        time.sleep(SAMPLE_S)
    assert driver.returncode == 0
    shutil.rmtree(out)
    seconds = time.perf_counter() - start
    found = {f"{role}_mb": round(peak / 1e6, 1) for role, peak in peaks.items()} | {"seconds": round(seconds)}
    print(found, flush=True)
    return found


def children(driver: psutil.Process) -> list[psutil.Process]:
    """The encoders that belong to a driver's own cluster."""
    try:
        return [child for child in driver.children(recursive=True) if is_encoder(child)]
    except psutil.Error:
        return []


def is_encoder(process: psutil.Process) -> bool:
    try:
        return "MapWorker" in " ".join(process.cmdline())
    except psutil.Error:
        return False


def watch(process: psutil.Process, role: str, peaks: dict[str, float]) -> None:
    try:
        peaks[role] = max(peaks[role], process.memory_full_info().uss)
    except psutil.Error:
        return


def long_song(folder: Path, seconds: int) -> Song:
    """A song of four stems of coloured noise as FLAC, written a minute at a time."""
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(0)
    tracks = {}
    for name in ("bass", "drums", "instrument", "melody"):
        minute = np.cumsum(rng.standard_normal((60 * 44_100, 2)), axis=0)
        minute = (0.2 * minute / np.abs(minute).max()).astype(np.float32)
        path = folder / f"{name}.flac"
        with soundfile.SoundFile(path, "w", 44_100, 2, format="FLAC") as file:
            for _ in range(seconds // 60):
                file.write(minute)
        tracks[name] = (str(path),)
    return Song(
        song_id="long", split="train", duration_s=float(seconds), sample_rate_hz=44_100, tracks=tracks
    )


def plan(folder: Path) -> dict[str, object]:
    rng = np.random.default_rng(0)
    songs = [
        Song(
            song_id=f"song {number:05d}",
            split="train" if number % 5 else "test",
            duration_s=float(np.clip(rng.normal(240, 60), 60, 480)),
            sample_rate_hz=44_100,
            tracks={name: (f"/corpus/{number}/{name}.flac",) for name in ("bass", "drums", "melody")}
            | {"instrument": tuple(f"/corpus/{number}/{part}.flac" for part in range(5))},
            licence="CC-BY-4.0",
        )
        for number in range(12_000)
    ]
    write_manifest(folder / "800.parquet", songs)
    command = [sys.executable, "-c", PREPARE, "prepare", "--dry-run", "--manifest"]
    start = time.perf_counter()
    said = subprocess.run(
        [*command, str(folder / "800.parquet"), "--out", str(folder / "800")],
        check=True,
        capture_output=True,
        text=True,
    )
    return {"seconds": round(time.perf_counter() - start, 1), "said": said.stdout.splitlines()[0]}


def record(name: str, result: dict[str, object]) -> None:
    """Print a result and keep it in the file."""
    print(name, json.dumps(result), flush=True)
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    RESULTS.write_text(json.dumps(results | {name: result}, indent=1) + "\n")


if __name__ == "__main__":
    main()

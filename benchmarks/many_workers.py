"""The control path of training with many workers: planning, parting the data, reports, checkpoints.

    make bench-workers      (or: python benchmarks/many_workers.py --workers 1 8 32 --thin 8 64)

A cluster of Ray nodes that all lie on this machine, with as many CPUs as there are workers in the run: each
worker is a process of its own that does all that `stemwright train` does, with preset tiny on windows of
next to nothing, since a few cores compute for all. So times of steps say nothing of training; what is looked
at is what the driver, Ray and the storage have to do, and how that grows. The data set has as many songs and
shards as the paper's 800 hours, with latents of a hundredth of the size.

Start: from the command to the first step done. Checkpoint: the longest from one step to the next where a
checkpoint lies between, less the median step: validation, saving, and a report that waits for all workers.
A worker with PyTorch takes some 300 MB, so 64 of them do not fit everywhere: workers of `--thin` runs do
without and only report, as often, the first with a file as large as a checkpoint: Ray's part of the work.

Memory: of processes as this machine accounts for it (PSS), pages that several share divided among them.
Writes benchmarks/results/many_workers.md.
"""

import argparse
import logging
import os
import statistics
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from machine import RESULTS, hardware, table
from reader_speed import dataset_info, described, indexed

from stemwright.data_folder import DataFolder
from stemwright.data_mix import DataMix
from stemwright.latent_shards import ShardWriter
from stemwright.latent_stats import LatentMoments
from stemwright.presets import load_preset
from stemwright.run_folder import RunFolder
from stemwright.song_index import write_song_index
from stemwright.tracks import TRACKS
from stemwright.training_log import LogReader
from stemwright.training_run import TrainingPlan, open_windows

SONGS, SONGS_A_SHARD, SONG_S = 12_000, 500, 240
FRAME_RATE_HZ, LATENT_DIM = 4.0, 2
STEPS, CHECKPOINT_EVERY = 24, 4
NODES = 4
START_S = 1800
"""Ray waits a minute for workers to start; so many on so few cores take longer."""
LOOK_S = 0.05
CHECKPOINT_BYTES = 12 << 20
STORE = 100 << 20
"""Bytes of each node's object store."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--thin", type=int, nargs="+", default=[8, 64], help="workers that only report")
    parser.add_argument("--songs", type=int, default=SONGS)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "latents"
        write_songs(data, arguments.songs)
        parts = [f"# Many workers\n\n{hardware()}, {os.cpu_count()} cores. {STEPS} steps.", parted(data)]
        found = [trained(data, Path(folder), workers) for workers in arguments.workers]
        thin = [reported(Path(folder), workers) for workers in arguments.thin]
    for name, rows in (("The run", found), ("Workers that only report", thin)):
        parts.append(f"## {name}\n\n" + table(list(rows[0]), [list(row.values()) for row in rows]))
    text = "\n\n".join(parts)
    print(text)
    (RESULTS / "many_workers.md").write_text(text)


def write_songs(folder: Path, songs: int) -> None:
    """Random latents of songs of four minutes, in the form of a prepared data set."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    frames, index, names = round(SONG_S * FRAME_RATE_HZ), [], []
    for shard in range(-(-songs // SONGS_A_SHARD)):
        names.append(f"shard-{shard:05d}.parquet")
        with ShardWriter(folder / names[-1], "float16") as writer:
            for number in range(shard * SONGS_A_SHARD, min(songs, (shard + 1) * SONGS_A_SHARD)):
                song = replace(described(f"song {number}"), split="train" if number % 5 else "test")
                index.append(indexed(song, shard, writer.num_chunks, frames))
                values = rng.standard_normal((len(TRACKS), LATENT_DIM, frames), np.float32)
                writer.write(song, chunk=0, start_frame=0, latents=torch.from_numpy(values))
    write_song_index(folder, index)
    LatentMoments.of(torch.randn(len(TRACKS), LATENT_DIM, 100), torch.ones(len(TRACKS), 100) > 0).save(
        DataFolder(folder), "stats.safetensors"
    )
    replace(
        dataset_info(frames, "float16", tuple(names)),
        hop=12000,
        frame_rate_hz=FRAME_RATE_HZ,
        latent_dim=LATENT_DIM,
        num_songs={"train": songs - -(-songs // 5), "test": -(-songs // 5)},
        num_chunks=songs,
        hours=songs * SONG_S / 3600,
        licences={"none": songs},
    ).save(folder)


def plan_of(data: Path, workers: int) -> TrainingPlan:
    tiny = load_preset("tiny")
    training = replace(tiny.training, batch_size=1, windows_s=(2.0,))
    return TrainingPlan(
        preset=replace(tiny, training=training),
        data=str(data),
        steps=STEPS,
        workers=workers,
        checkpoint_every=CHECKPOINT_EVERY,
        validation_windows=2,
    )


def parted(data: Path) -> str:
    """Whether the workers' windows of an epoch are every song once, and what a worker's part costs."""
    rows = []
    for workers in (1, 8, 64):
        plan = plan_of(data, workers)
        start = time.perf_counter()
        windows = [open_windows(plan, DataMix.open(plan.sources), rank) for rank in range(workers)]
        opened_s = (time.perf_counter() - start) / workers
        heard, most = defaultdict[str, int](int), 0.0
        for step in range(len(windows[0]) // workers):
            for rank, own in enumerate(windows):
                start = time.perf_counter()
                heard[own.window(step * workers + rank).song.song_id] += 1
                most = max(most, time.perf_counter() - start)
        assert set(heard.values()) == {1}, "a song came twice"
        rows.append([workers, f"{opened_s:.2f}", len(windows[0]), len(heard), f"{1e3 * most:.1f}"])
    heads = ("workers", "opening, s a worker", "songs", "heard once an epoch", "a window's plan at most, ms")
    return "## Parting the data\n\n" + table(heads, rows)


@dataclass(slots=True)
class Onlooker:
    """Notes when each step was recorded, and the processes' memory in the middle of the run."""

    log: LogReader
    at: dict[int, float] = field(default_factory=dict)
    """Clock at each step's record."""
    memory_mb: dict[str, float] = field(default_factory=dict)
    """By what the processes are."""
    _ended: threading.Event = field(default_factory=threading.Event)

    def look(self) -> None:
        while not self._ended.wait(LOOK_S):
            for record in self.log.new_records():
                self.at[int(record["step"])] = time.perf_counter()
            if not self.memory_mb and len(self.at) > STEPS // 2:
                self.memory_mb = memory_mb(os.getpid())

    def end(self) -> None:
        self._ended.set()


def memory_mb(driver: int) -> dict[str, float]:
    """MB of the driver and of all processes below it, by kind."""
    found, count = defaultdict[str, float](float), defaultdict[str, int](int)
    for process in [psutil.Process(driver), *psutil.Process(driver).children(recursive=True)]:
        try:
            kind, size = kind_of(process, driver), process.memory_full_info().pss / 1e6
        except psutil.Error:
            continue
        found[kind] += size
        count[kind] += 1
    found["worker"] /= max(1, count["worker"])
    return dict(found)


def kind_of(process: psutil.Process, driver: int) -> str:
    if process.pid == driver:
        return "driver"
    name = " ".join(process.cmdline())
    if "TrainWorker" in name:
        return "worker"
    return "controller" if "TrainController" in name else "Ray"


@contextmanager
def cluster_of(workers: int) -> Iterator[None]:
    """Nodes on this machine with a CPU for each worker; this process is their driver."""
    import ray
    from ray.cluster_utils import Cluster

    os.environ |= {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0", "OMP_NUM_THREADS": "1"}
    os.environ["RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S"] = str(START_S)
    nodes = min(NODES, workers)
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "object_store_memory": STORE})
    for _ in range(nodes):
        cluster.add_node(num_cpus=workers // nodes, object_store_memory=STORE)
    ray.init(address=cluster.address, log_to_driver=False, logging_level=logging.ERROR)
    try:
        yield
    finally:
        ray.shutdown()
        cluster.shutdown()


def trained(data: Path, folder: Path, workers: int) -> dict[str, object]:
    """A run on a cluster of its own."""
    from stemwright_platform.training.launch import launch

    out = RunFolder(folder / f"run-{workers}")
    onlooker = Onlooker(LogReader(out.metrics))
    watch = threading.Thread(target=onlooker.look, daemon=True)
    watch.start()
    start = time.perf_counter()
    store = f"sqlite:///{folder}/mlflow.db"
    try:
        with cluster_of(workers):
            launch(plan_of(data, workers), out.path, tracking_uri=store, listen_every=0)
    finally:
        onlooker.end()
        watch.join()
    return row(workers, out, onlooker, start, time.perf_counter() - start)


def reported(folder: Path, workers: int) -> dict[str, object]:
    """Workers that do nothing but report, on a cluster of their own."""
    from ray.train.v2.api.config import RunConfig, ScalingConfig
    from ray.train.v2.api.data_parallel_trainer import DataParallelTrainer

    with cluster_of(workers):
        start = time.perf_counter()
        trainer = DataParallelTrainer(
            report_on,
            train_loop_config={"out": str(folder / f"thin-{workers}"), "pid": os.getpid()},
            scaling_config=ScalingConfig(num_workers=workers),
            run_config=RunConfig(name="thin", storage_path=str(folder / f"thin-{workers}")),
        )
        found: dict[str, Any] = trainer.fit().return_value or {}
        whole_s = time.perf_counter() - start
    return {
        "workers": workers,
        "in all, s": f"{whole_s:.0f}",
        "a report, median ms": f"{1e3 * statistics.median(found['seconds']):.0f}",
        "at most, ms": f"{1e3 * max(found['seconds']):.0f}",
        **{f"{kind}, MB": f"{size:.0f}" for kind, size in found["memory_mb"].items()},
    }


def report_on(config: dict[str, Any]) -> dict[str, Any]:
    """The loop of a worker that only reports; the first tells how long that took."""
    import ray.train

    first, seconds, memory = ray.train.get_context().get_world_rank() == 0, [], {}
    for step in range(STEPS):
        start = time.perf_counter()
        if first:
            Path(config["out"], "checkpoint").write_bytes(b"0" * CHECKPOINT_BYTES)
        ray.train.report({"step": step})
        seconds.append(time.perf_counter() - start)
        if first and step == STEPS // 2:
            memory = memory_mb(config["pid"])
    return {"seconds": seconds, "memory_mb": memory} if first else {}


def row(workers: int, out: RunFolder, onlooker: Onlooker, start: float, whole_s: float) -> dict[str, object]:
    gaps = {step: onlooker.at[step] - onlooker.at[step - 1] for step in range(2, STEPS + 1)}
    after = [gap for step, gap in gaps.items() if step % CHECKPOINT_EVERY == 1]
    step_s = statistics.median(gap for step, gap in gaps.items() if step % CHECKPOINT_EVERY != 1)
    stored = sum(file.stat().st_size for file in out.path.rglob("*") if file.is_file())
    memory = onlooker.memory_mb
    return {
        "workers": workers,
        "start, s": f"{onlooker.at[1] - start:.0f}",
        "step, s": f"{step_s:.2f}",
        "checkpoint, s": f"{max(after) - step_s:.2f}",
        "in all, s": f"{whole_s:.0f}",
        "driver, MB": f"{memory['driver']:.0f}",
        "controller, MB": f"{memory.get('controller', 0):.0f}",
        "Ray, MB": f"{memory['Ray']:.0f}",
        "a worker, MB": f"{memory['worker']:.0f}",
        "run's folder, MB": f"{stored / 1e6:.1f}",
    }


if __name__ == "__main__":
    sys.exit(main())

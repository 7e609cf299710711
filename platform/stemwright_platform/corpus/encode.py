"""Manifest → latent shards by Ray Data: a pool of actors, each with a codec, each song held by one at a time.

A row is a shard to make. Decoding and encoding stay in one actor: the audio of a song is a hundred
times its latents and would only pass through the object store. The shards land in a folder that all
nodes share, under names and with contents that do not depend on who made them, so that a lost actor's
shard is simply made again, and a run that was interrupted goes on where it stopped.
"""

import errno
import logging
import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
from ray.data import ActorPoolStrategy, DataContext

from stemwright.codec import load_codec
from stemwright.dataset_info import DatasetInfo
from stemwright.errors import InputError
from stemwright.tracks import TRACKS, Tracks
from stemwright_platform import cluster
from stemwright_platform.corpus.manifest import Song
from stemwright_platform.corpus.preparation import Preparation
from stemwright_platform.corpus.shard_plan import ShardPlan, encode_shard


@dataclass(frozen=True, kw_only=True, slots=True)
class CodecChoice:
    """The codec that every actor loads for itself."""

    name: str = "mdct"
    weights: str | None = None
    """A local folder to look in first."""
    device: str = "cpu"


class ShardEncoder:
    """An actor's work: a row with a plan's number and the pickled plan → the number and what went wrong."""

    def __init__(self, folder: Path, choice: CodecChoice, tracks: Tracks) -> None:
        self._folder = folder
        self._codec = load_codec(choice.name, weights=choice.weights, device=choice.device)
        self._tracks = tracks

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        try:
            encode_shard(pickle.loads(row["plan"]), self._folder, self._codec, self._tracks)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            return {"id": row["id"], "fault": f"no space left for {self._folder}: free some and run again"}
        return {"id": row["id"], "fault": ""}


def encode_corpus(
    songs: Sequence[Song],
    folder: str | Path,
    choice: CodecChoice,
    *,
    tracks: Tracks = TRACKS,
    max_workers: int | None = None,
    on_shard: Callable[[ShardPlan], None] = lambda _: None,
) -> DatasetInfo:
    """Encode the songs on the Ray cluster that this process is, or can be, connected to.

    `folder` must be one that every node sees. `max_workers`: actors, one CPU each (and one GPU where
    the codec's device is cuda); as many as there are CPUs (GPUs) by default. `on_shard` hears of each
    shard that is done. InputError as `Preparation.of` and `.finish` raise it, and for a full disk.
    """
    codec = load_codec(choice.name, weights=choice.weights)
    work = Preparation.of(songs, Path(folder).absolute(), codec, tracks)
    work.begin()
    if work.missing:
        cluster.connect()
        _encode(work, choice, max_workers or _cluster_size(choice.device), on_shard)
    return work.finish()


def _encode(
    work: Preparation, choice: CodecChoice, max_workers: int, on_shard: Callable[[ShardPlan], None]
) -> None:
    _quieten(DataContext.get_current())
    encoder: Any = ShardEncoder  # Ray takes classes here, its annotation does not
    # from_items needs no tasks of its own, which would wait for the CPUs that the actors hold.
    rows = [{"id": number, "plan": pickle.dumps(plan)} for number, plan in enumerate(work.missing)]
    done = ray.data.from_items(rows, override_num_blocks=len(rows)).map(
        encoder,
        fn_constructor_args=(work.folder, choice, work.tracks),
        compute=ActorPoolStrategy(size=min(max_workers, len(rows))),
        num_cpus=1,
        num_gpus=1 if choice.device.startswith("cuda") else 0,
    )
    for row in done.iter_rows():
        if row["fault"]:
            raise InputError(row["fault"])
        on_shard(work.missing[row["id"]])


def _cluster_size(device: str) -> int:
    resource = "GPU" if device.startswith("cuda") else "CPU"
    return max(1, int(ray.cluster_resources().get(resource, 1)))


def _quieten(context: DataContext) -> None:
    context.enable_progress_bars = False
    context.use_datasource_v2 = False  # seconds slower on a small number of rows
    logging.getLogger("ray.data").setLevel(logging.ERROR)

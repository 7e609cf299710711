"""Manifest → latent shards by Ray Data: a pool of actors, each with a codec, each song held by one at a time.

A row is a shard to make. Decoding and encoding stay in one actor: the audio of a song is a hundred
times its latents and would only pass through the object store. The shards land in a folder that all
nodes share, under names and with contents that do not depend on who made them, so that a lost actor's
shard is simply made again, and a run that was interrupted goes on where it stopped.
"""

import errno
import logging
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ray
from ray.data import ActorPoolStrategy, DataContext

from stemwright.codec import Codec, load_codec
from stemwright.data_folder import DataFolder
from stemwright.dataset_info import DatasetInfo
from stemwright.errors import InputError
from stemwright.tracks import Tracks
from stemwright_platform import cluster
from stemwright_platform.corpus.encode_shard import Encoding, Storage, encode_shard
from stemwright_platform.corpus.preparation import Preparation
from stemwright_platform.corpus.shard_plan import ShardPlan


@dataclass(frozen=True, kw_only=True, slots=True)
class CodecChoice:
    """The codec that every actor loads for itself."""

    name: str = "mdct"
    weights: str | None = None
    """A local folder to look in first."""
    device: str = "cpu"
    gpu_fraction: float = 1.0
    """Part of a GPU an actor holds where the device is cuda: below 1, some decode while another encodes."""

    def __post_init__(self) -> None:
        if not 0 < self.gpu_fraction <= 1:
            raise InputError(f"--gpu-fraction lies above 0 and at most at 1, got {self.gpu_fraction:g}")

    @property
    def num_gpus(self) -> float:
        """Of each actor."""
        return self.gpu_fraction if self.device.startswith("cuda") else 0.0

    def load(self) -> Codec:
        """InputError where it is unknown or its weights are missing."""
        return load_codec(self.name, weights=self.weights, device=self.device)


class ShardEncoder:
    """An actor's work: a row with a plan's number and the pickled plan → the number and what came of it."""

    def __init__(self, folder: DataFolder, choice: CodecChoice, tracks: Tracks, storage: Storage) -> None:
        self._folder = folder
        self._encoding = Encoding(codec=choice.load(), tracks=tracks, storage=storage)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        try:
            report = encode_shard(pickle.loads(row["plan"]), self._folder, self._encoding)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            fault = f"no space left for {self._folder}: free some and run again"
            return {"id": row["id"], "fault": fault, "rejected": 0}
        return {"id": row["id"], "fault": "", "rejected": report.num_rejected}


def encode_corpus(
    work: Preparation,
    choice: CodecChoice,
    *,
    max_workers: int | None = None,
    on_shard: Callable[[ShardPlan], None] = lambda _: None,
) -> DatasetInfo:
    """Encode what is missing on the Ray cluster that this process is, or can be, connected to.

    Every node must reach the work's folder: a shared disk or an object store. `max_workers`: actors, one
    CPU each (and a part of a GPU where the codec's device is cuda); as many as fit by default.
    `on_shard` hears of each shard that is done. InputError as `Preparation` raises it, and for a full disk.
    """
    work.begin()
    if work.missing:
        cluster.connect()
        _encode(work, choice, max_workers or _cluster_size(choice), on_shard)
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
        fn_constructor_args=(work.folder, choice, work.encoding.tracks, work.encoding.storage),
        compute=ActorPoolStrategy(size=min(max_workers, len(rows))),
        num_cpus=1,
        num_gpus=choice.num_gpus,
    )
    rejected = work.num_rejected
    for row in done.iter_rows():
        if row["fault"]:
            raise InputError(row["fault"])
        rejected += row["rejected"]
        on_shard(work.missing[row["id"]])
        work.check_rejected(rejected)


def _cluster_size(choice: CodecChoice) -> int:
    resources = ray.cluster_resources()
    fitting = resources.get("GPU", 1) / choice.num_gpus if choice.num_gpus else resources.get("CPU", 1)
    return max(1, int(fitting))


def _quieten(context: DataContext) -> None:
    context.enable_progress_bars = False
    context.use_datasource_v2 = False  # seconds slower on a small number of rows
    logging.getLogger("ray.data").setLevel(logging.ERROR)

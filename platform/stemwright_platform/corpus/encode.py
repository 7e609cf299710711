"""Manifest → latent shards by Ray Data: a pool of actors, each with a codec, each at one shard at a time.

The shards land in a folder that all nodes reach, under names and with contents that do not depend on who
made them, so that a run that was interrupted goes on where it stopped.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import torch

from stemwright.codec import Codec, load_codec
from stemwright.data_folder import DataFolder
from stemwright.dataset_info import DatasetInfo
from stemwright.errors import InputError
from stemwright.tracks import Tracks
from stemwright_platform.corpus.encode_shard import Encoding, Storage, encode_shard
from stemwright_platform.corpus.preparation import Preparation
from stemwright_platform.corpus.shard_plan import ShardPlan
from stemwright_platform.crew import by_actors


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

    def load_for_planning(self) -> Codec:
        """The same where the device may be missing: the machine that plans need not be one that encodes."""
        return replace(self, device=self.device if torch.cuda.is_available() else "cpu").load()


class ShardWork:
    """What an actor does: a plan → how many of its songs were rejected."""

    def __init__(self, folder: DataFolder, choice: CodecChoice, tracks: Tracks, storage: Storage) -> None:
        self._folder = folder
        self._encoding = Encoding(codec=choice.load(), tracks=tracks, storage=storage)

    def __call__(self, plan: ShardPlan) -> int:
        return encode_shard(plan, self._folder, self._encoding).num_rejected


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
    rejected = work.num_rejected
    settings = (choice, work.encoding.tracks, work.encoding.storage)
    make_work = partial(ShardWork, work.folder, *settings)
    for number, more in by_actors(make_work, work.missing, workers=max_workers, num_gpus=choice.num_gpus):
        rejected += more
        on_shard(work.missing[number])
        work.check_rejected(rejected)
    return work.finish()

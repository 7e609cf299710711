"""Manifest → latent shards in this process, for machines and scripts without Ray: the same files."""

import os
from collections.abc import Callable, Sequence

from stemwright.data_folder import DataFolder
from stemwright.dataset_info import DatasetInfo
from stemwright_platform.corpus.encode_shard import Encoding, encode_shard
from stemwright_platform.corpus.manifest import Song
from stemwright_platform.corpus.preparation import Preparation
from stemwright_platform.corpus.shard_plan import ShardPlan


def prepare_locally(
    songs: Sequence[Song],
    folder: str | os.PathLike[str],
    encoding: Encoding,
    *,
    max_rejected: float = 1.0,
    on_shard: Callable[[ShardPlan], None] = lambda _: None,
) -> DatasetInfo:
    """Encode the songs one after the other; shards that an earlier run left are kept.

    `on_shard` hears of each shard that is done. InputError as `Preparation` raises it.
    """
    work = Preparation.of(songs, DataFolder(folder), encoding, max_rejected=max_rejected)
    work.begin()
    rejected = work.num_rejected
    for plan in work.missing:
        rejected += encode_shard(plan, work.folder, encoding).num_rejected
        on_shard(plan)
        work.check_rejected(rejected)
    return work.finish()

"""Manifest → latent shards in this process, for machines and scripts without Ray: the same files."""

from collections.abc import Callable, Sequence
from pathlib import Path

from stemwright.codec import Codec
from stemwright.dataset_info import DatasetInfo
from stemwright.tracks import TRACKS, Tracks
from stemwright_platform.corpus.manifest import Song
from stemwright_platform.corpus.preparation import Preparation
from stemwright_platform.corpus.shard_plan import ShardPlan, encode_shard


def prepare_locally(
    songs: Sequence[Song],
    folder: str | Path,
    codec: Codec,
    *,
    tracks: Tracks = TRACKS,
    on_shard: Callable[[ShardPlan], None] = lambda _: None,
) -> DatasetInfo:
    """Encode the songs one after the other; shards that an earlier run left are kept.

    `on_shard` hears of each shard that is done. InputError as `Preparation.of` and `.finish` raise it.
    """
    work = Preparation.of(songs, Path(folder), codec, tracks)
    work.begin()
    for plan in work.missing:
        encode_shard(plan, work.folder, codec, tracks)
        on_shard(plan)
    return work.finish()

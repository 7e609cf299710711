"""Songs of the demo corpus made by Ray Data: a pool of actors, each of which makes one song at a time.

A row is a song's order, and a song is a folder that its actor writes: no audio passes through Ray. Who makes
a song makes no difference to it, so that a lost actor's song is simply made again.
"""

import logging
import pickle
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import ray
from ray.data import ActorPoolStrategy, DataContext

from stemwright.errors import InputError
from stemwright_platform import cluster
from stemwright_platform.corpus.demo.song import SongOrder, is_finished, make_song, sha256_of


class SongMaker:
    """An actor's work: a row with a number and the pickled order → the number and what went wrong."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        order: SongOrder = pickle.loads(row["order"])
        try:
            if sha256_of(order.soundfont) != order.soundfont_sha256:
                raise InputError(
                    f"{order.soundfont} is another sound font on {ray.util.get_node_ip_address()}"
                )
            make_song(order, self._folder)
        except (InputError, OSError) as error:
            return {"id": row["id"], "fault": f"{order.song_id}: {error}"}
        return {"id": row["id"], "fault": ""}


def make_on_ray(orders: Sequence[SongOrder], folder: Path) -> Iterator[SongOrder]:
    """Make every song in `folder`, which all nodes must see, yielding each order when it is done.

    InputError for a song that a node could not make.
    """
    missing = [order for order in orders if not is_finished(order, folder)]
    yield from (order for order in orders if order not in missing)
    if not missing:
        return
    cluster.connect()
    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.use_datasource_v2 = False  # seconds slower on a small number of rows
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    maker: Any = SongMaker  # Ray takes classes here, its annotation does not
    rows = [{"id": number, "order": pickle.dumps(order)} for number, order in enumerate(missing)]
    workers = min(max(int(ray.cluster_resources().get("CPU", 1)), 1), len(rows))
    done = ray.data.from_items(rows, override_num_blocks=len(rows)).map(
        maker, fn_constructor_args=(folder,), compute=ActorPoolStrategy(size=workers), num_cpus=1
    )
    for row in done.iter_rows():
        if row["fault"]:
            raise InputError(row["fault"])
        yield missing[row["id"]]

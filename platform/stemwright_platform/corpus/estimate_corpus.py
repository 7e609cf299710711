"""Estimates for all songs of a manifest by Ray Data: a row is a song, its audio stays where it was read."""

import logging
import pickle
from collections.abc import Iterator, Sequence
from typing import Any

from stemwright_platform import cluster
from stemwright_platform.corpus.estimated_fields import missing_fields
from stemwright_platform.corpus.manifest import Song

MOST_BLOCKS = 10_000
"""Of Ray Data: beyond, a block holds several songs."""


def estimate_corpus(songs: Sequence[Song]) -> Iterator[tuple[int, Song]]:
    """(place, song with estimates) for each song that lacks tempo, key or downbeats, as they are done.

    Runs on the Ray cluster that this process is, or can be, connected to; every node must see the audio.
    """
    waiting = {place: song for place, song in enumerate(songs) if missing_fields(song)}
    if not waiting:
        return
    import ray.data

    cluster.connect()
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.use_datasource_v2 = False  # seconds slower on a small number of rows
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    rows = [{"place": place, "song": pickle.dumps(song)} for place, song in waiting.items()]
    blocks = ray.data.from_items(rows, override_num_blocks=min(len(rows), MOST_BLOCKS))
    for row in blocks.map(_estimate, num_cpus=1).iter_rows():
        yield row["place"], pickle.loads(row["song"])


def _estimate(row: dict[str, Any]) -> dict[str, Any]:
    from stemwright_platform.corpus.estimates import with_estimates

    return {"place": row["place"], "song": pickle.dumps(with_estimates(pickle.loads(row["song"])))}

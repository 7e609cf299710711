"""Songs of the demo corpus made by Ray Data: an item is a song's order, and a song a folder."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from stemwright.errors import InputError
from stemwright_platform.corpus.demo.song import SongOrder, make_song, sha256_of
from stemwright_platform.corpus.song_folder import is_made
from stemwright_platform.crew import done_by


def make_on_ray(orders: Sequence[SongOrder], folder: Path) -> Iterator[SongOrder]:
    """Make every song in `folder`, which all nodes must see, yielding each order when it is done.

    InputError for a song that a node could not make.
    """
    missing = [order for order in orders if not is_made(folder / order.song_id, order.settings)]
    yield from (order for order in orders if order not in missing)
    for number, _ in done_by(partial(_made, folder=folder), missing):
        yield missing[number]


def _made(order: SongOrder, folder: Path) -> None:
    if sha256_of(order.soundfont) != order.soundfont_sha256:
        raise InputError(f"{order.song_id}: {order.soundfont} is another sound font on one of the nodes")
    make_song(order, folder)

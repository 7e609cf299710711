"""The demo corpus: any number of songs made by rule, each true to its metadata, and their manifest."""

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from pathlib import Path

import numpy as np

from stemwright.errors import InputError
from stemwright_platform.corpus.demo.song import SongOrder, make_song, sha256_of
from stemwright_platform.corpus.manifest import split_of, with_both_splits, write_manifest
from stemwright_platform.corpus.song_folder import made_song
from stemwright_platform.corpus.synthesis.sound_font import (
    default_sound_font,
    load_sound_font,
)

DURATION_S = (60.0, 180.0)
"""Between which a song's length is drawn."""
MANIFEST = "manifest.parquet"


def make_demo_corpus(
    out: str | Path,
    songs: int,
    *,
    seed: int = 1,
    duration_s: float | tuple[float, float] = DURATION_S,
    soundfonts: Sequence[str | Path] = (),
    jobs: int | None = 1,
    on_song: Callable[[str], None] | None = None,
) -> Path:
    """Make `songs` songs below `out` and return the path of their manifest.

    A song's length is drawn from the range `duration_s`, or is that number; the sound font that plays it is
    drawn from `soundfonts`, by default the one in pretty_midi. A song depends on these, the seed and its
    number alone, so a larger corpus holds the smaller one. Finished songs are kept; `on_song` hears the name
    of each as it is done. `jobs` processes share the work; None leaves it to the Ray cluster that this
    process is, or can be, connected to: every node must see `out` and the sound fonts under the same paths.
    Raises InputError for settings that make no corpus.
    """
    shortest_s, longest_s = duration_s if isinstance(duration_s, tuple) else (duration_s, duration_s)
    _check(songs, seed, shortest_s, longest_s, jobs)
    fonts = [Path(font).absolute() for font in soundfonts] or [default_sound_font()]
    digests = {font: _digest(font) for font in fonts}
    orders = [_order(index, seed, (shortest_s, longest_s), digests) for index in range(songs)]
    folder = Path(out).absolute() / "songs"
    folder.mkdir(parents=True, exist_ok=True)
    for order in _finished(orders, folder, jobs):
        if on_song:
            on_song(order.song_id)
    manifest = Path(out) / MANIFEST
    made = [made_song(folder / order.song_id, order.song_id, split_of(order.song_id)) for order in orders]
    write_manifest(manifest, with_both_splits(made))
    return manifest


def _check(songs: int, seed: int, shortest_s: float, longest_s: float, jobs: int | None) -> None:
    if songs < 1:
        raise InputError(f"a demo corpus needs at least 1 song, got {songs}")
    if not 1 <= shortest_s <= longest_s <= 3600:
        asked = f"{shortest_s:g}" if shortest_s == longest_s else f"{shortest_s:g}-{longest_s:g}"
        raise InputError(f"a demo song lasts 1 to 3600 seconds, got {asked}")
    if seed < 0:
        raise InputError(f"the seed must be 0 or more, got {seed}")
    if jobs is not None and jobs < 1:
        raise InputError(f"--jobs must be 1 or more, got {jobs}")


def _digest(font: Path) -> str:
    """The font's SHA-256; InputError where it is no sound font."""
    load_sound_font(font)
    return sha256_of(font)


def _order(index: int, seed: int, range_s: tuple[float, float], digests: Mapping[Path, str]) -> SongOrder:
    rng = np.random.default_rng([seed, index, 11])
    duration_s = round(float(rng.uniform(*range_s)), 1) if range_s[0] < range_s[1] else range_s[0]
    font = list(digests)[int(rng.integers(len(digests)))]
    return SongOrder(
        seed=seed, index=index, duration_s=duration_s, soundfont=font, soundfont_sha256=digests[font]
    )


def _finished(orders: list[SongOrder], folder: Path, jobs: int | None) -> Iterator[SongOrder]:
    """Make every song, yielding each order when it is done."""
    if jobs is None:
        from stemwright_platform.corpus.demo.song_crew import make_on_ray

        yield from make_on_ray(orders, folder)
        return
    make = partial(make_song, folder=folder)
    if jobs == 1 or len(orders) == 1:
        for order in orders:
            make(order)
            yield order
        return
    # Spawned, for a fork of a process that runs threads may hang.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(jobs, len(orders)), context, initializer=_ignore_interrupts) as pool:
        futures = {pool.submit(make, order): order for order in orders}
        try:
            for future in as_completed(futures):
                future.result()
                yield futures[future]
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _ignore_interrupts() -> None:
    """Ctrl-C is for the parent, which lets the songs in work be finished."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

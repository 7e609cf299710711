"""The demo corpus: any number of songs made by rule, each true to its metadata, and their manifest."""

import hashlib
import multiprocessing
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from pathlib import Path

from stemwright.errors import InputError
from stemwright.prompts import SongMetadata
from stemwright_platform.corpus.demo.song import SongOrder, make_song, read_record
from stemwright_platform.corpus.manifest import Song, split_of, with_both_splits, write_manifest
from stemwright_platform.corpus.synthesis.sound_font import (
    SAMPLE_RATE_HZ,
    default_sound_font,
    load_sound_font,
)

DURATION_S = 30.0
MANIFEST = "manifest.parquet"


def make_demo_corpus(
    out: str | Path,
    songs: int,
    *,
    seed: int = 1,
    duration_s: float = DURATION_S,
    soundfont: str | Path | None = None,
    jobs: int = 1,
    on_song: Callable[[str], None] | None = None,
) -> Path:
    """Make `songs` songs below `out` and return the path of their manifest.

    A song depends on seed, its number, duration and sound font alone, so a larger corpus holds the
    smaller one. Finished songs are kept; `on_song` hears the name of each as it is done.
    `jobs` processes share the work. Raises InputError for settings that make no corpus.
    """
    _check(songs, seed, duration_s, jobs)
    font = Path(soundfont) if soundfont else default_sound_font()
    load_sound_font(font)
    digest = hashlib.sha256(font.read_bytes()).hexdigest()
    orders = [
        SongOrder(
            seed=seed, index=index, duration_s=duration_s, soundfont=font.absolute(), soundfont_sha256=digest
        )
        for index in range(songs)
    ]
    folder = Path(out) / "songs"
    folder.mkdir(parents=True, exist_ok=True)
    for order in _finished(orders, folder, jobs):
        if on_song:
            on_song(order.song_id)
    manifest = Path(out) / MANIFEST
    write_manifest(manifest, with_both_splits([_song(order, folder) for order in orders]))
    return manifest


def _check(songs: int, seed: int, duration_s: float, jobs: int) -> None:
    if songs < 1:
        raise InputError(f"a demo corpus needs at least 1 song, got {songs}")
    if not 1 <= duration_s <= 3600:
        raise InputError(f"a demo song lasts 1 to 3600 seconds, got {duration_s:g}")
    if seed < 0:
        raise InputError(f"the seed must be 0 or more, got {seed}")
    if jobs < 1:
        raise InputError(f"--jobs must be 1 or more, got {jobs}")


def _finished(orders: list[SongOrder], folder: Path, jobs: int) -> Iterator[SongOrder]:
    """Make every song, yielding each order when it is done."""
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


def _song(order: SongOrder, folder: Path) -> Song:
    record = read_record(order, folder)
    home = folder / order.song_id
    return Song(
        song_id=order.song_id,
        split=split_of(order.song_id),
        duration_s=record["duration_s"],
        sample_rate_hz=SAMPLE_RATE_HZ,
        tracks={name: (str(home / f"{name}.flac"),) for name in record["tracks"]},
        mix_path=str(home / "mix.flac"),
        metadata=SongMetadata.from_fields(record),
        downbeats_s=tuple(record["downbeats_s"]),
        source=record["source"],
        licence=record["licence"],
    )

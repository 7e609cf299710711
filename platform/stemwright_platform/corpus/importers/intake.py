"""The songs of a corpus read by many threads at once: a network disk answers slowly, but to many."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import NamedTuple, TypeVar

from stemwright.errors import InputError
from stemwright_platform.corpus.importers.rejection import Rejection
from stemwright_platform.corpus.manifest import Song

T = TypeVar("T")
R = TypeVar("R")

THREADS = 32
"""Songs whose headers are read at a time."""

Progress = Callable[[int, int, str], None]
"""Told of each song that was read: how many there are, which one of them it is by count, its name."""


def say_nothing(done: int, total: int, song_id: str) -> None:
    """No progress."""


class Intake(NamedTuple):
    """What an importer made of a corpus."""

    songs: list[Song]
    """In the order of the corpus."""
    rejected: list[Rejection]
    """Songs that cannot be used, in the same order."""


def read_each(
    sources: Sequence[tuple[str, T]],
    read: Callable[[T], R],
    *,
    progress: Progress = say_nothing,
    threads: int = THREADS,
) -> tuple[list[R], list[Rejection]]:
    """`read` applied to what stands behind each song's name, in order, and the songs it refused.

    A song is refused where `read` raises InputError or OSError: an unreadable file is the song's fault, or
    the disk's, and never ends the import. Whatever else it raises is a fault of ours and goes on.
    """
    results: dict[int, R] = {}
    refusals: dict[int, Rejection] = {}
    for done, (number, outcome) in enumerate(_outcomes(sources, read, threads), start=1):
        song_id = sources[number][0]
        if isinstance(outcome, Rejection):
            refusals[number] = outcome
        else:
            results[number] = outcome
        progress(done, len(sources), song_id)
    return [results[number] for number in sorted(results)], [refusals[number] for number in sorted(refusals)]


def _outcomes(
    sources: Sequence[tuple[str, T]], read: Callable[[T], R], threads: int
) -> Iterator[tuple[int, R | Rejection]]:
    """A source's number and what came of it, as soon as it is known."""

    def attempt(song_id: str, source: T) -> R | Rejection:
        try:
            return read(source)
        except InputError as error:
            return Rejection(song_id, str(error))
        except OSError as error:
            return Rejection(song_id, f"{error.filename or song_id}: {error.strerror or error}")

    pool = ThreadPoolExecutor(max(1, min(threads, len(sources))), "import")
    try:
        futures = {pool.submit(attempt, *source): number for number, source in enumerate(sources)}
        for future in as_completed(futures):
            yield futures[future], future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)

"""Estimates for all songs of a manifest by Ray Data."""

from collections.abc import Iterator, Sequence

from stemwright_platform.corpus.estimated_fields import missing_fields
from stemwright_platform.corpus.manifest import Song
from stemwright_platform.crew import done_by


def estimate_corpus(songs: Sequence[Song]) -> Iterator[tuple[int, Song]]:
    """(place, song with estimates) for each song that lacks tempo, key or downbeats, as they are done.

    Runs on the Ray cluster that this process is, or can be, connected to; every node must see the audio.
    """
    places = [place for place, song in enumerate(songs) if missing_fields(song)]
    for number, song in done_by(_estimated, [songs[place] for place in places]):
        yield places[number], song


def _estimated(song: Song) -> Song:
    from stemwright_platform.corpus.estimates import with_estimates

    return with_estimates(song)

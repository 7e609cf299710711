"""`stemwright corpus estimate`: tempo, key and downbeats from the audio, for songs that lack them."""

import time
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stemwright_platform.corpus.manifest import Song

app = typer.Typer()

SAVE_S = 60.0
"""How often the manifest is written while songs are heard."""


@app.command(epilog="Example: `stemwright corpus estimate data/moisesdb.parquet`")
def estimate(
    manifest: Annotated[str, typer.Argument(help="The manifest to complete, in place: a path or URL.")],
) -> None:
    """Estimate tempo, key and downbeats from the audio where the manifest lacks them.

    What it has is never changed; what is estimated is named in the column `estimated`. Run again after an
    interruption, it goes on where it stopped.
    """
    from stemwright_platform.corpus.manifest import read_manifest

    print(estimate_manifest(manifest, read_manifest(manifest)))


def estimate_manifest(manifest: str, songs: "Sequence[Song]") -> str:
    """Complete the songs and write them, now and then and at the end; returns the command's last line."""
    from stemwright_platform.corpus.estimate_corpus import estimate_corpus
    from stemwright_platform.corpus.estimated_fields import missing_fields
    from stemwright_platform.corpus.manifest import write_manifest
    from stemwright_platform.time_left import TimeLeft

    songs = list(songs)
    waiting = [song for song in songs if missing_fields(song)]
    progress = TimeLeft("estimating", sum(map(_work, waiting)))
    saved, done = time.monotonic(), 0
    try:
        for place, song in estimate_corpus(songs):
            songs[place] = song
            done += 1
            progress.advance(_work(song), f"{done} of {len(waiting)} songs")
            if time.monotonic() - saved > SAVE_S:
                write_manifest(manifest, songs)
                saved = time.monotonic()
    finally:
        progress.close()
        write_manifest(manifest, songs)
    counts = {
        name: sum(name in song.estimated for song in songs) for name in ("tempo_bpm", "key", "downbeats_s")
    }
    told = ", ".join(f"{name} of {count}" for name, count in counts.items())
    return f"{manifest}: estimated {told} songs, from the audio of {done} now"


def _work(song: "Song") -> int:
    """Whole seconds, whose sum does not depend on their order."""
    return max(1, round(song.duration_s))

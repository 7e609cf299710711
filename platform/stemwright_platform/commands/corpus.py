"""`stemwright corpus`: make a demo corpus or import stems; each ends in a manifest."""

import os
from pathlib import Path
from typing import Annotated

import typer

from stemwright_platform.commands import corpus_import

app = typer.Typer(
    help="Make or import a corpus: audio and a manifest.", no_args_is_help=True, rich_markup_mode="markdown"
)
app.add_typer(corpus_import.app, name="import")


@app.command(epilog="Example: `stemwright corpus demo --songs 24 --out data/demo --seed 1`")
def demo(
    out: Annotated[Path, typer.Option(help="Folder for audio, MIDI and manifest.parquet.")],
    songs: Annotated[int, typer.Option(help="How many songs.")] = 24,
    seed: Annotated[int, typer.Option(help="Same seed, same songs.")] = 1,
    duration: Annotated[
        float, typer.Option(help="Seconds a song: whole bars, then a second to ring out.")
    ] = 30,
    soundfont: Annotated[
        Path | None, typer.Option(help="A General MIDI .sf2 or .sf3; by default the one in pretty_midi.")
    ] = None,
    jobs: Annotated[int | None, typer.Option(help="Processes; by default one for each CPU.")] = None,
) -> None:
    """Make songs by rule in 13 genres, each with four stems, a mix, MIDI and true metadata.

    Run again after an interruption, it keeps the songs that are finished.
    """
    from stemwright_platform.commands.corpus_summary import summary
    from stemwright_platform.corpus.demo_corpus import make_demo_corpus
    from stemwright_platform.corpus.manifest import read_manifest
    from stemwright_platform.time_left import TimeLeft

    progress = TimeLeft("making songs", songs)
    try:
        manifest = make_demo_corpus(
            out,
            songs,
            seed=seed,
            duration_s=duration,
            soundfont=soundfont,
            jobs=len(os.sched_getaffinity(0)) if jobs is None else jobs,
            on_song=lambda song_id: progress.advance(1, song_id),
        )
    finally:
        progress.close()
    print(summary(manifest, read_manifest(manifest)))

"""`stemwright corpus`: make a demo corpus or import stems; each ends in a manifest."""

import os
from pathlib import Path
from typing import Annotated

import typer

from stemwright_platform.commands import corpus_check, corpus_estimate, corpus_import, corpus_render

app = typer.Typer(
    help="Make, import, check or describe a corpus: audio and a manifest.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
app.add_typer(corpus_import.app, name="import")
app.add_typer(corpus_render.app)
app.add_typer(corpus_check.app)
app.add_typer(corpus_estimate.app)


@app.command(epilog="Example: `stemwright corpus demo --songs 24 --out data/demo --seed 1`")
def demo(
    out: Annotated[Path, typer.Option(help="Folder for audio, MIDI and manifest.parquet.")],
    songs: Annotated[int, typer.Option(help="How many songs.")] = 24,
    seed: Annotated[int, typer.Option(help="Same seed, same songs.")] = 1,
    duration: Annotated[
        str,
        typer.Option(help="Seconds a song, or a range to draw from: whole bars, then a second to ring out."),
    ] = "60-180",
    soundfont: Annotated[
        list[Path] | None,
        typer.Option(
            help="A General MIDI .sf2 or .sf3, may be given several times: each song draws one. "
            "By default the one in pretty_midi."
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            help="Processes on this machine; by default the cluster at RAY_ADDRESS, else one a CPU."
        ),
    ] = None,
) -> None:
    """Make songs by rule in 13 genres, each with stems of its tracks, a mix, MIDI and true metadata.

    Run again after an interruption, it keeps the songs that are finished.
    """
    from stemwright_platform.commands.corpus_summary import summary
    from stemwright_platform.corpus.demo_corpus import make_demo_corpus
    from stemwright_platform.corpus.manifest import read_manifest
    from stemwright_platform.time_left import TimeLeft

    on_cluster = bool(os.environ.get("RAY_ADDRESS"))
    progress = TimeLeft("making songs", songs)
    try:
        manifest = make_demo_corpus(
            out,
            songs,
            seed=seed,
            duration_s=_range_s(duration),
            soundfonts=soundfont or (),
            jobs=jobs if jobs is not None or on_cluster else len(os.sched_getaffinity(0)),
            on_song=lambda song_id: progress.advance(1, song_id),
        )
    finally:
        progress.close()
    print(summary(manifest, read_manifest(manifest)))


def _range_s(text: str) -> float | tuple[float, float]:
    """ "90" or "60-180" as seconds."""
    from stemwright.errors import InputError

    try:
        ends = [float(end) for end in text.split("-")]
    except ValueError:
        ends = []
    if len(ends) not in (1, 2):
        raise InputError(f"--duration takes seconds or a range of them, as 60-180, got '{text}'")
    return ends[0] if len(ends) == 1 else (ends[0], ends[1])

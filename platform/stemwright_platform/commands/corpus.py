"""`stemwright corpus`: make a demo corpus or import stems; each ends in a manifest."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stemwright_platform.corpus.manifest import Song

app = typer.Typer(
    help="Make or import a corpus: audio and a manifest.", no_args_is_help=True, rich_markup_mode="markdown"
)
importers = typer.Typer(help="Import stems that you have.", no_args_is_help=True, rich_markup_mode="markdown")
app.add_typer(importers, name="import")


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


@importers.command(
    epilog="Example: `stemwright corpus import folders my_stems --out manifest.parquet`",
)
def folders(
    source: Annotated[Path, typer.Argument(help="A tree with one folder a song.")],
    out: Annotated[Path, typer.Option(help="The manifest to write.")] = Path("manifest.parquet"),
) -> None:
    """Import any tree with one folder a song that holds bass, drums, instrument or melody audio.

    WAV, FLAC, OGG and MP3; tracks may be missing. A metadata.json beside the audio may hold genres,
    instruments, moods, tempo_bpm, key, keywords, themes, downbeats_s, split, source and licence.
    """
    from stemwright.errors import InputError
    from stemwright_platform.corpus.folders import import_folders
    from stemwright_platform.corpus.manifest import write_manifest

    songs, rejected = import_folders(source)
    for rejection in rejected:
        print(f"rejected {rejection.song_id}: {rejection.reason}")
    if not songs:
        raise InputError(f"all {len(rejected)} songs below {source} were rejected; no manifest was written")
    write_manifest(out, songs)
    print(f"{summary(out, songs)}, {len(rejected)} rejected")


def summary(manifest: Path, songs: "Sequence[Song]") -> str:
    """The commands' last line."""
    num_test = sum(song.split == "test" for song in songs)
    hours = sum(song.duration_s for song in songs) / 3600
    return f"{manifest}: {len(songs)} songs ({len(songs) - num_test} train, {num_test} test), {hours:.2f} h"

"""`stemwright corpus import`: stems on disk, in the layout of a public corpus or your own → a manifest."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Import stems that you have.", no_args_is_help=True, rich_markup_mode="markdown")


@app.command(
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
    from stemwright_platform.commands.corpus_summary import summary
    from stemwright_platform.corpus.importers.folders import import_folders
    from stemwright_platform.corpus.manifest import write_manifest

    songs, rejected = import_folders(source)
    for rejection in rejected:
        print(f"rejected {rejection.song_id}: {rejection.reason}")
    if not songs:
        raise InputError(f"all {len(rejected)} songs below {source} were rejected; no manifest was written")
    write_manifest(out, songs)
    print(f"{summary(out, songs)}, {len(rejected)} rejected")

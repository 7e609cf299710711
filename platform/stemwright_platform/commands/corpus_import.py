"""`stemwright corpus import`: stems on disk, in the layout of a public corpus or your own → a manifest."""

from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stemwright_platform.corpus.importers.intake import Intake, Progress
    from stemwright_platform.corpus.manifest import Song

app = typer.Typer(help="Import stems that you have.", no_args_is_help=True, rich_markup_mode="markdown")

Source = Annotated[Path, typer.Argument(help="The corpus, unpacked.")]
Out = Annotated[str, typer.Option(help="The manifest to write: a path or URL.")]
Slots = Annotated[
    Path | None,
    typer.Option(help="YAML: which stems make which track; `corpus import slots` prints the default."),
]
Estimate = Annotated[
    bool, typer.Option("--estimate", help="Estimate tempo, key and downbeats from the audio where missing.")
]
MANIFEST = "manifest.parquet"
MOST_REJECTIONS = 20
"""More of them are counted, not shown."""


@app.command(epilog="Example: `stemwright corpus import slakh slakh2100_flac_redux --out slakh.parquet`")
def slakh(
    source: Source,
    out: Out = MANIFEST,
    slots: Slots = None,
    omitted: Annotated[
        bool, typer.Option("--omitted", help="Also the songs that the redux release leaves out.")
    ] = False,
    estimate: Estimate = False,
) -> None:
    """Import Slakh2100: FLAC or WAV, the redux release, the first one, or one split's folder.

    Bass and drums are themselves; one family of lead instruments is the melody, all else the instrument
    track.
    """
    from stemwright_platform.corpus.importers.slakh import import_slakh

    with _progress() as progress:
        intake = import_slakh(source, slots=slots, omitted=omitted, progress=progress)
    _finish(intake, source, out, estimate)


@app.command(epilog="Example: `stemwright corpus import musdb musdb18hq --out musdb.parquet`")
def musdb(source: Source, out: Out = MANIFEST, slots: Slots = None, estimate: Estimate = False) -> None:
    """Import MUSDB18-HQ: vocals are the melody, "other" is the instrument track."""
    from stemwright_platform.corpus.importers.musdb import import_musdb

    with _progress() as progress:
        intake = import_musdb(source, slots=slots, progress=progress)
    _finish(intake, source, out, estimate)


@app.command(epilog="Example: `stemwright corpus import moisesdb moisesdb --out moisesdb.parquet`")
def moisesdb(source: Source, out: Out = MANIFEST, slots: Slots = None, estimate: Estimate = False) -> None:
    """Import MoisesDB: its 11 stems, voices as the melody."""
    from stemwright_platform.corpus.importers.moisesdb import import_moisesdb

    with _progress() as progress:
        intake = import_moisesdb(source, slots=slots, progress=progress)
    _finish(intake, source, out, estimate)


@app.command(epilog="Example: `stemwright corpus import folders my_stems --out manifest.parquet`")
def folders(
    source: Annotated[Path, typer.Argument(help="A tree with one folder a song.")],
    out: Out = MANIFEST,
    slots: Slots = None,
    licence: Annotated[str, typer.Option(help="Of songs whose metadata.json names none.")] = "unknown",
    estimate: Estimate = False,
) -> None:
    """Import any tree with one folder a song that holds bass, drums, instrument or melody audio.

    WAV, FLAC, OGG and MP3; tracks may be missing. A metadata.json beside the audio may hold genres,
    instruments, moods, tempo_bpm, key, keywords, themes, downbeats_s, split, source and licence.
    """
    from stemwright_platform.corpus.importers.folders import import_folders

    with _progress() as progress:
        intake = import_folders(source, slots=slots, licence=licence, progress=progress)
    _finish(intake, source, out, estimate)


@app.command(epilog="Example: `stemwright corpus import slots slakh > my_slots.yaml`")
def slots(
    corpus: Annotated[str, typer.Argument(help="slakh, musdb, moisesdb or folders.")],
) -> None:
    """Print which stems of a corpus make which track, as YAML to change and give as `--slots`."""
    from stemwright_platform.corpus.importers.slot_map import shipped_slots

    print(shipped_slots(corpus), end="")


@contextmanager
def _progress() -> "Iterator[Progress]":
    """A line of progress that starts when the number of songs is known."""
    from stemwright_platform.time_left import TimeLeft

    lines: list[TimeLeft] = []

    def say(done: int, total: int, song_id: str) -> None:
        if not lines:
            lines.append(TimeLeft("reading headers", total))
        lines[0].advance(1, f"{done} of {total} songs")

    try:
        yield say
    finally:
        for line in lines:
            line.close()


def _finish(intake: "Intake", source: Path, out: str, estimate: bool) -> None:
    """Say what was rejected, write the manifest, say what is in it."""
    from stemwright.errors import InputError
    from stemwright_platform.commands.corpus_estimate import estimate_manifest
    from stemwright_platform.commands.corpus_summary import summary
    from stemwright_platform.corpus.manifest import write_manifest

    for rejection in intake.rejected[:MOST_REJECTIONS]:
        print(f"rejected {rejection.song_id}: {rejection.reason}")
    if len(intake.rejected) > MOST_REJECTIONS:
        print(f"… and {len(intake.rejected) - MOST_REJECTIONS} more")
    if not intake.songs:
        raise InputError(
            f"all {len(intake.rejected)} songs below {source} were rejected; no manifest was written"
        )
    songs = _with_kept_estimates(intake.songs, out) if estimate else intake.songs
    write_manifest(out, songs)
    noted = sum(bool(song.notes) for song in songs)
    licences = Counter(song.licence for song in songs)
    print("licences: " + ", ".join(f"{name} ({count})" for name, count in licences.most_common()))
    if noted:
        print(f"notes on {noted} songs (stems that end early, are not rendered or left out), in the manifest")
    if estimate:
        print(estimate_manifest(out, songs))
    print(f"{summary(out, songs)}, {len(intake.rejected)} rejected")


def _with_kept_estimates(songs: "list[Song]", out: str) -> "list[Song]":
    """With what an earlier run, interrupted maybe, has estimated and left in the manifest."""
    from stemwright.errors import InputError
    from stemwright_platform.corpus.estimated_fields import with_earlier_estimates
    from stemwright_platform.corpus.manifest import read_manifest

    try:
        return with_earlier_estimates(songs, read_manifest(out))
    except InputError:  # no manifest there, or a foreign one, which is about to be replaced
        return songs

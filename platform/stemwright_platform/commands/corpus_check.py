"""`stemwright corpus check` and `stemwright corpus stats`: what is wrong with a corpus, and what it holds."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from stemwright_platform.corpus.check.corpus_check import CorpusCheck
    from stemwright_platform.corpus.check.finding import Finding
    from stemwright_platform.corpus.manifest import Song
    from stemwright_platform.corpus.stats import Amount, CorpusStats

app = typer.Typer()

ERRORS_FOUND = 1
WORST_ROWS = 20
MOST_VALUES = 12
STYLES = {"error": "bold red", "warning": "yellow", "note": "blue"}


@app.command(
    "check", epilog="Example: `stemwright corpus check data/demo/manifest.parquet --out data/demo/check`"
)
def check(
    manifest: Annotated[Path, typer.Argument(help="The corpus, as `stemwright corpus` wrote it.")],
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the results; by default `check` beside the manifest."),
    ] = None,
) -> None:
    """Read every file of a corpus wholly and say what is wrong with it.

    Finds files that are unreadable, truncated, silent, clipped, mono or of another rate; stems that are
    misaligned or do not sum to the mix; and songs that occur twice, above all in two splits. Writes
    findings.parquet, songs.parquet and a page, index.html. Run again, it reads only songs whose files
    have changed.

    Exit code: 0 without errors, 1 where errors were found, 2 for bad input.
    """
    from stemwright_platform.corpus.check.page import write_page
    from stemwright_platform.corpus.check.results import write_results
    from stemwright_platform.corpus.manifest import read_manifest

    songs = read_manifest(manifest)
    folder = out or manifest.parent / "check"
    result = _checked(songs, folder)
    write_results(result, folder)
    page = write_page(result, folder, manifest)
    _print_findings(result)
    print(f"{page}: {len(songs)} songs, {_counts(result.findings)}")
    if any(finding.severity == "error" for finding in result.findings):
        raise typer.Exit(ERRORS_FOUND)


@app.command("stats", epilog="Example: `stemwright corpus stats data/demo/manifest.parquet`")
def stats(
    manifest: Annotated[Path, typer.Argument(help="The corpus, as `stemwright corpus` wrote it.")],
    json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Say what a corpus holds: hours, splits, tracks, genres, instruments, tempo, key, licences, sources.

    Reads the manifest alone.
    """
    import json as notation

    from stemwright_platform.corpus.manifest import read_manifest
    from stemwright_platform.corpus.stats import corpus_stats

    found = corpus_stats(read_manifest(manifest))
    if json:
        print(notation.dumps(found.to_json(), indent=2, ensure_ascii=False))
    else:
        _print_stats(found, manifest)


def _checked(songs: "Sequence[Song]", folder: Path) -> "CorpusCheck":
    from stemwright.errors import InputError
    from stemwright_platform.corpus.check.corpus_check import check_corpus
    from stemwright_platform.time_left import TimeLeft

    progress: TimeLeft | None = None
    done = waiting = 0

    def on_start(unread: "Sequence[Song]") -> None:
        nonlocal progress, waiting
        waiting = len(unread)
        if waiting < len(songs):
            print(f"{len(songs) - waiting} songs are as they were; {waiting} to read", file=sys.stderr)
        progress = TimeLeft("checking", sum(song.duration_s for song in unread))

    def on_song(song: "Song") -> None:
        nonlocal done
        done += 1
        if progress:
            progress.advance(song.duration_s, f"{done} of {waiting} songs")

    try:
        return check_corpus(songs, folder, on_start=on_start, on_song=on_song)
    except (NotADirectoryError, FileExistsError, PermissionError) as error:
        raise InputError(f"{folder} cannot be written: {error.strerror}; give another --out") from None
    finally:
        if progress and done:
            progress.close()


def _counts(findings: "Sequence[Finding]") -> str:
    from stemwright_platform.corpus.check.finding import SEVERITIES

    counts = {name: sum(finding.severity == name for finding in findings) for name in SEVERITIES}
    return ", ".join(f"{count} {name}{'' if count == 1 else 's'}" for name, count in counts.items())


def _print_findings(result: "CorpusCheck") -> None:
    from rich.console import Console

    console = Console(highlight=False)
    if not result.findings:
        console.print("Every file was read to its end, and nothing is wrong.")
        return
    console.print(_kinds(result.findings))
    worst = result.findings[:WORST_ROWS]
    console.print(_rows(worst))
    if more := len(result.findings) - len(worst):
        console.print(f"… and {more} more: the page and findings.parquet have them all.")


def _kinds(findings: "Sequence[Finding]") -> "Table":
    from stemwright_platform.corpus.check.finding import KINDS, SEVERITIES

    table = _table("kind", *(f"{name}s" for name in SEVERITIES), "what it means")
    for kind, meaning in KINDS.items():
        counts = [sum(of.kind == kind and of.severity == name for of in findings) for name in SEVERITIES]
        if any(counts):
            styled = [
                f"[{STYLES[name]}]{count}[/]" if count else ""
                for name, count in zip(SEVERITIES, counts, strict=True)
            ]
            table.add_row(kind, *styled, meaning)
    return table


def _rows(findings: "Sequence[Finding]") -> "Table":
    from rich.text import Text

    table = _table("song", "track", "finding")
    for finding in findings:
        sentence = Text.assemble((finding.kind, STYLES[finding.severity]), f": {finding.sentence}")
        table.add_row(Text(finding.song_id), Text(finding.track or ""), sentence)
    return table


def _print_stats(found: "CorpusStats", manifest: Path) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    console.print(
        f"{manifest}: {found.songs:,} songs of {_seconds(found.shortest_s)} to {_seconds(found.longest_s)}, "
        f"{found.hours:,.2f} h, {found.with_mix:,} with a mix",
        markup=False,
    )
    tracks = _table("track", "present", "silent", "missing", "hours")
    for name, presence in found.tracks.items():
        counts = (presence.present, presence.silent, presence.missing)
        tracks.add_row(name, *(f"{count:,}" for count in counts), f"{presence.hours:,.2f}")
    console.print(tracks)
    for heading, amounts in _amounts(found).items():
        if amounts:
            console.print(_amount_table(heading, amounts))
    if found.notes:
        console.print(f"The importer noted something about {found.notes:,} songs: see the column notes.")


def _amounts(found: "CorpusStats") -> dict[str, "Mapping[str, Amount]"]:
    return {
        "split": found.splits,
        "genre": found.genres,
        "instrument": found.instruments,
        "mood": found.moods,
        "tempo, BPM": found.tempos,
        "key": found.keys,
        "licence": found.licences,
        "source": found.sources,
        "rate, Hz": found.sample_rates_hz,
        "estimated field": found.estimated,
    }


def _amount_table(heading: str, amounts: "Mapping[str, Amount]") -> "Table":
    from rich.text import Text

    table = _table(heading, "songs", "hours", "")
    most = max(amount.songs for amount in amounts.values())
    for name, amount in list(amounts.items())[:MOST_VALUES]:
        bar = "█" * max(1, round(24 * amount.songs / most))
        table.add_row(Text(name), f"{amount.songs:,}", f"{amount.hours:,.2f}", Text(bar, style="blue"))
    if (more := len(amounts) - MOST_VALUES) > 0:
        table.add_row(Text(f"… {more} more", style="dim"), "", "", "")
    return table


def _table(first: str, *columns: str) -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    table.add_column(first, min_width=20 if "songs" in columns else None)
    for name in columns:
        numeric = name in ("present", "silent", "missing", "hours", "songs", "errors", "warnings", "notes")
        table.add_column(name, justify="right" if numeric else "left", overflow="fold")
    return table


def _seconds(seconds: float) -> str:
    from stemwright_platform.time_left import duration_text

    return duration_text(seconds)

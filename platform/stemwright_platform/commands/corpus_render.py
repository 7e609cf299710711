"""`stemwright corpus render`: any folder of General MIDI files as a corpus of stems."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stemwright_platform.corpus.midi.rendered_corpus import Rejection

app = typer.Typer()


@app.command(
    epilog="Example: `stemwright corpus render my_midi --soundfont FluidR3Mono_GM.sf3 --out data/rendered`"
)
def render(
    midi: Annotated[Path, typer.Argument(help="A folder with MIDI files, at any depth.")],
    soundfont: Annotated[
        list[Path],
        typer.Option(help="A General MIDI .sf2 or .sf3; may be given several times: each song draws one."),
    ],
    out: Annotated[Path, typer.Option(help="Folder for the audio, manifest.parquet and listen.html.")],
    variants: Annotated[
        int,
        typer.Option(
            help="How often each song is rendered: once as written, then in other keys, tempi, instruments, "
            "sound fonts and rooms."
        ),
    ] = 1,
    seed: Annotated[int, typer.Option(help="Same seed, same variants.")] = 1,
    duration: Annotated[
        str, typer.Option(help="Songs shorter or longer than so many seconds are rejected.")
    ] = ("10-600"),
    source: Annotated[str, typer.Option(help="Where the songs come from, for the manifest.")] = "MIDI",
    licence: Annotated[str, typer.Option(help="Terms of the songs, for the manifest and the model card.")] = (
        "unknown"
    ),
    page: Annotated[int, typer.Option(help="Songs on the listening page; 0 for none.")] = 10,
    jobs: Annotated[
        int | None,
        typer.Option(
            help="Songs rendered at once; by default one for each CPU, of the cluster at RAY_ADDRESS."
        ),
    ] = None,
) -> None:
    """Render General MIDI files as songs with bass, drums, instrument and melody, a mix and true metadata.

    Run again after an interruption, it keeps the songs that are finished.
    """
    from stemwright.errors import InputError
    from stemwright_platform.commands.corpus_summary import summary
    from stemwright_platform.corpus.midi.listening_page import write_page
    from stemwright_platform.corpus.midi.rendered_corpus import RenderSettings, plan_corpus, render_corpus
    from stemwright_platform.time_left import TimeLeft

    if jobs is not None and jobs < 1:
        raise InputError(f"--jobs must be 1 or more, got {jobs}")
    settings = RenderSettings(
        soundfonts=tuple(soundfont),
        seed=seed,
        variants=variants,
        duration_s=_range_s(duration),
        source=source,
        licence=licence,
    )
    looking = TimeLeft("reading MIDI", 1.0)
    try:
        plan = plan_corpus(midi, out, settings, jobs=jobs, on_file=looking.advance)
    finally:
        looking.close()
    print(plan.text, flush=True)
    rendering = TimeLeft("rendering", plan.missing_s)
    try:
        corpus = render_corpus(
            plan, out, jobs=jobs, on_song=lambda name, length: rendering.advance(length, name)
        )
    finally:
        rendering.close()
    if page > 0:
        print(f"listen to {min(page, len(corpus.orders))} songs: {write_page(corpus.orders, out, page)}")
    print_rejected(corpus.rejected)
    print(f"{summary(corpus.manifest, corpus.songs)}, {len(corpus.rejected)} rejected")


def _range_s(text: str) -> tuple[float, float]:
    """ "10-600" as seconds."""
    from stemwright.errors import InputError

    try:
        shortest, longest = (float(end) for end in text.split("-"))
    except ValueError:
        raise InputError(f"--duration takes a range of seconds, as 10-600, got '{text}'") from None
    return shortest, longest


def print_rejected(rejected: "Sequence[Rejection]", most: int = 5) -> None:
    """The first few, and where the others are."""
    for rejection in rejected[:most]:
        print(f"rejected {rejection.midi}: {rejection.reason}")
    if len(rejected) > most:
        print(f"and {len(rejected) - most} more: see rejected.parquet")

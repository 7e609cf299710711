"""`stemwright listen`: blind listening tests, built from folders of clips and read from raters' answers."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from stemwright_platform.evaluation.listening_test.system_folder import SystemFolder

app = typer.Typer(
    help="Blind listening tests: build a page of pairs, report what raters preferred.",
    no_args_is_help=True,
)

LARGE_PAGE = 50_000_000


@app.command(
    epilog="Example: `stemwright listen build --system ours=out/clips/model --system theirs=baseline "
    "--out test.html --pairs 20`"
)
def build(
    system: Annotated[
        list[str],
        typer.Option(
            help="NAME=FOLDER, twice or more: audio files, folders with a mix, or clips/SYSTEM of an "
            "evaluation. Shares are told of the first; the attention checks are made of it, too."
        ),
    ],
    out: Annotated[Path, typer.Option(help="The page, as test.html; its key goes beside, test.key.json.")],
    pairs: Annotated[int, typer.Option(help="Pairs to ask about, at most.")] = 20,
    seed: Annotated[int, typer.Option(help="Which pairs.")] = 0,
    question: Annotated[
        list[str] | None, typer.Option(help="What to ask about each pair; may be repeated.")
    ] = None,
    tracks: Annotated[str, typer.Option(help="mix, all, or a list as mix,drums: what is compared.")] = "mix",
    checks: Annotated[
        int | None,
        typer.Option(help="Attention checks of each kind; by default one for every ten pairs."),
    ] = None,
    ties: Annotated[bool, typer.Option(help="Whether `no difference` is an answer.")] = True,
    seconds: Annotated[float, typer.Option(help="Longer clips are cut.")] = 15.0,
    prompts: Annotated[
        Path | None,
        typer.Option(help='Texts of the clips, as JSON {"CLIP": "text"}, where not found beside.'),
    ] = None,
    title: Annotated[str, typer.Option(help="Of the page; raters read it.")] = "Listening test",
    post_to: Annotated[str, typer.Option(help="URL that answers are posted to, as JSON.")] = "",
    folder: Annotated[
        bool, typer.Option("--folder", help="Write a folder with clips beside, for large tests.")
    ] = False,
) -> None:
    """Write a page that asks which of two clips is preferred, without saying who made them.

    Clips pair by name. Both of a pair are cut to one length, brought to one loudness and compressed alike;
    order and sides are drawn anew for each rater. Keep the key to yourself: `listen report` needs it.
    """
    from stemwright_platform.evaluation.listening_test.listening_test import build_test
    from stemwright_platform.evaluation.listening_test.plan import QUESTION, Plan
    from stemwright_platform.time_left import TimeLeft

    plan = Plan(
        pairs=pairs,
        checks=checks,
        questions=tuple(question or [QUESTION]),
        parts=tuple(tracks.replace(" ", "").split(",")),
        ties=ties,
        seed=seed,
        longest_s=seconds,
        title=title,
        post_to=post_to,
    )
    progress: TimeLeft | None = None

    def on_pair(done: int, count: int) -> None:
        nonlocal progress
        progress = progress or TimeLeft("leveling and compressing", count)
        progress.advance(1, f"{done} of {count} pairs")

    built = build_test(_systems(system, prompts), out, plan, beside=folder, on_pair=on_pair)
    if progress:
        progress.close()
    if built.pairs < pairs:
        typer.echo(f"{built.pairs} pairs: the systems share no more clips than that", err=True)
    if built.silent:
        typer.echo(f"{built.silent} clips are silent; they are asked about all the same", err=True)
    typer.echo(
        f"{built.page}: {built.pairs} pairs and {built.checks} attention checks, "
        f"{built.num_bytes / 1e6:.1f} MB, about {built.minutes} min a rater"
    )
    if built.num_bytes > LARGE_PAGE and not folder:
        typer.echo("a large page: --folder loads clips as they are needed, --seconds cuts them", err=True)
    typer.echo(f"{built.key}: who made what; keep it to yourself")


def _systems(options: Sequence[str], prompts: Path | None) -> "list[SystemFolder]":
    from stemwright_platform.composition_files import parse_files
    from stemwright_platform.evaluation.listening_test.system_folder import read_prompts, read_system

    texts = read_prompts(prompts) if prompts else {}
    folders = parse_files("--system", options, "NAME=FOLDER, for example ours=out/clips/model")
    return [read_system(name, folder, texts) for name, folder in folders.items()]


@app.command(epilog="Example: `stemwright listen report results/*.json --key test.key.json --out preferred`")
def report(
    results: Annotated[list[Path], typer.Argument(help="What raters sent: files, or folders of them.")],
    key: Annotated[Path, typer.Option(help="The key that `listen build` wrote.")],
    out: Annotated[Path, typer.Option(help="Folder for index.html and report.json.")],
    least_passed: Annotated[
        float, typer.Option(help="Share of attention checks that a rater must pass to count.", min=0, max=1)
    ] = 0.75,
) -> None:
    """Say what raters preferred: shares with intervals and p-values, strengths, and how far raters agree.

    Damaged files, those of other tests and a rater's second file are left out and named.
    """
    import json

    from stemwright_platform.evaluation.listening_test import outcome_page
    from stemwright_platform.evaluation.listening_test.answer_key import load_key
    from stemwright_platform.evaluation.listening_test.outcome import as_json, find_outcome
    from stemwright_platform.evaluation.listening_test.result_file import read_results

    answer_key = load_key(key)
    found, left_out = read_results(_result_files(results, key), answer_key)
    outcome = find_outcome(found, left_out, answer_key, least_passed=least_passed)
    page = outcome_page.render(outcome)
    text = json.dumps(as_json(outcome), indent=1, ensure_ascii=False)
    _write(out, {"index.html": page, "report.json": text + "\n"})
    for entry in left_out:
        typer.echo(f"{entry.file} is left out: {entry.reason}", err=True)
    for record in outcome.raters:
        if record.left_out:
            typer.echo(f"{record.result.file} is left out: {record.left_out}", err=True)
    for one in outcome.questions:
        for pair in one.head_to_head:
            typer.echo(outcome_page.sentence(pair))
    typer.echo(f"{out / 'index.html'}: {len(outcome.counted)} of {len(outcome.raters)} raters counted")


def _result_files(paths: Sequence[Path], key: Path) -> list[Path]:
    """Files as given, and the JSON files of folders."""
    files = [file for path in paths for file in (sorted(path.glob("*.json")) if path.is_dir() else [path])]
    return [file for file in dict.fromkeys(files) if file.resolve() != key.resolve()]


def _write(folder: Path, files: dict[str, str]) -> None:
    """Each file whole or not at all."""
    from stemwright.errors import InputError

    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            partial = folder / f".{name}.tmp"
            partial.write_text(text, encoding="utf-8")
            partial.replace(folder / name)
    except (FileExistsError, NotADirectoryError, PermissionError) as error:
        raise InputError(f"--out {folder} cannot be written: {error.strerror}; give another") from None

"""`stemwright demo`: the main job end to end, and a page with the stems."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from stemwright_platform.demo.plan import DemoPlan

app = typer.Typer()

EXAMPLE = "stemwright demo --songs 12 --minutes 1"
RESULTS = ("corpus", "latents", "runs", "model", "state", "round_1", "stems", "corpus_song")
FILES = ("stages.json", "composition.json", "report.html")


@app.command(epilog=f"Example: `{EXAMPLE}`")
def demo(
    out: Annotated[Path, typer.Option(help="Folder for everything that the demo makes.")] = Path("demo"),
    songs: Annotated[int, typer.Option(help="Size of the demo corpus; a song lasts about a minute.")] = 40,
    minutes: Annotated[float, typer.Option(help="Minutes of training.")] = 3.0,
    seed: Annotated[int, typer.Option(help="Of corpus, training and composition.")] = 1,
    port: Annotated[int, typer.Option(help="Where the API listens; another one if it is taken.")] = 8000,
    prompt: Annotated[
        str | None, typer.Option(help="What to compose; by default the description of a held-out song.")
    ] = None,
    preset: Annotated[str, typer.Option(help="Model to train: tiny, small, or a YAML file.")] = "small",
    own: Annotated[
        bool, typer.Option("--own", help="Compose with the model trained here, not with the one that ships.")
    ] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Remove what an earlier demo left in OUT.")] = False,
) -> None:
    """Make a corpus, encode it, train a model, serve and compose: all on this machine.

    The training is short, to show it; what is served and composed with is the model that ships. Ends with a
    page that plays the stems. Run again, it keeps the stages that are finished.
    """
    from stemwright.shipped_model import is_shipped
    from stemwright_platform.demo.plan import DemoPlan

    plan = DemoPlan(
        out=out,
        songs=songs,
        minutes=minutes,
        seed=seed,
        port=port,
        prompt=prompt,
        preset=preset,
        shipped=is_shipped() and not own,
    )
    if fresh:
        remove_results(out)
    run_demo(plan)


def run_demo(plan: "DemoPlan") -> Path:
    """The whole demo; returns the page's path. Whatever it starts ends with it."""
    import time
    from contextlib import ExitStack

    from stemwright_platform.demo.findings import findings
    from stemwright_platform.demo.main_job import main_job
    from stemwright_platform.demo.report import write_report
    from stemwright_platform.demo.stages import run_stages, time_needed_s
    from stemwright_platform.time_left import duration_text

    start = time.monotonic()
    with ExitStack() as closing:
        stages = main_job(plan, closing, say)
        say(
            f"Stemwright demo in {plan.out}/: {plan.songs} songs, {plan.minutes:g} min of training, "
            f"seed {plan.seed}; about {duration_text(time_needed_s(stages, plan.out))}"
        )
        say(f"composing with {'the model that ships' if plan.shipped else 'the model that it trains'}")
        finished = run_stages(stages, plan.out, say=say)
    commands = next_steps(plan)
    page = write_report(findings(plan, finished, commands), plan.out)
    say(f"\nDone in {duration_text(time.monotonic() - start)}.\n")
    say(f"  The page    {page}")
    say(f"  The stems   {plan.out / 'stems'}\n\nWhat to try next")
    for purpose, command in commands:
        say(f"\n  {purpose}\n    {command}")
    return page


def next_steps(plan: "DemoPlan") -> list[tuple[str, str]]:
    """Commands to go on with, as they run in this folder."""
    stemwright, mlflow = _program("stemwright"), _program("mlflow")
    out = plan.out
    model = "" if plan.shipped else f" --model {_word(plan.model)}"
    return [
        (
            "Make a bass and a melody for the drums of the piece, with no server:",
            f'{stemwright} compose{model} --prompt "slow blues" --targets bass,melody '
            f"--given drums={_word(out / 'stems/drums.wav')} --out {_word(out / 'mine')}",
        ),
        (
            "Serve the model; its calls are at /v1/docs:",
            f"{stemwright} serve{model} --state {_word(plan.state)} --port {plan.port}",
        ),
        (
            "Look at the training in MLflow, at http://127.0.0.1:5000:",
            f"{mlflow} ui --backend-store-uri {_word(f'sqlite:///{out}/runs/mlflow.db')}",
        ),
        (
            "Train for an hour on a larger corpus:",
            f"{stemwright} demo --songs 200 --minutes 60 --out {_word(f'{out}_large')}",
        ),
    ]


def remove_results(out: Path) -> None:
    """Remove what a demo makes, and nothing else that lies in the folder."""
    import shutil

    for name in RESULTS:
        shutil.rmtree(out / name, ignore_errors=True)
    for name in FILES:
        (out / name).unlink(missing_ok=True)


def say(line: str) -> None:
    """A line for the user, at once."""
    typer.echo(line)


def _program(name: str) -> str:
    """How to call a program of this installation from here."""
    import os
    import shutil
    import sys

    ours = Path(sys.executable).with_name(name)
    found = shutil.which(name)
    if found and Path(found).resolve() == ours.resolve():
        return name
    return _word(os.path.relpath(ours)) if ours.exists() else name


def _word(text: object) -> str:
    import shlex

    return shlex.quote(str(text))

"""The `stemwright` command: what the job files, the Makefile and people call."""

import sys
from collections.abc import Sequence

import typer

from stemwright.errors import InputError, is_out_of_room
from stemwright_platform.commands import (
    assess,
    codec,
    compose,
    corpus,
    demo,
    demo_model,
    evaluate,
    keys,
    listen,
    models,
    prepare,
    serve,
    state,
    sweep,
    train,
)

BAD_INPUT, INTERRUPTED = 2, 130


def application() -> typer.Typer:
    """All commands; each module imports its heavy parts only when it runs."""
    app = typer.Typer(
        name="stemwright",
        help="Multi-track music from text and from the tracks you already have.",
        no_args_is_help=True,
        rich_markup_mode="markdown",
        pretty_exceptions_enable=False,
        add_completion=False,
    )
    app.add_typer(corpus.app, name="corpus")
    app.add_typer(codec.app, name="codec")
    app.add_typer(models.app, name="models")
    app.add_typer(listen.app, name="listen")
    app.add_typer(state.app, name="state")
    app.add_typer(keys.app, name="keys")
    app.add_typer(sweep.app, name="sweep")
    for command in (prepare, train, evaluate, assess, compose, serve, demo, demo_model):
        app.add_typer(command.app)
    return app


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command line; bad input is one line and exit 2, an interrupt exit 130."""
    try:
        application()(arguments)
    except InputError as error:
        sys.exit(_said(f"error: {error}", BAD_INPUT))
    except OSError as error:
        if not is_out_of_room(error):
            raise
        sys.exit(_said(f"error: the disk is full ({error.filename}): free space and run again", BAD_INPUT))
    except SystemExit as end:
        if end.code == INTERRUPTED:  # how typer ends on Ctrl-C
            _said("interrupted: run the same command again to go on", INTERRUPTED)
        raise


def _said(line: str, code: int) -> int:
    print(line, file=sys.stderr)
    return code

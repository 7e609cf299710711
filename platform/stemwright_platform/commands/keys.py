"""`stemwright keys`: who may call a server that asks for keys."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stemwright_platform.commands.state import DatabaseUrl, State, database_place

if TYPE_CHECKING:
    from stemwright_platform.serving.keys import Keys

app = typer.Typer(
    help="Who may call a server that asks for keys (`stemwright serve --keys`, `access: keys`).",
    no_args_is_help=True,
)


@app.command(epilog="Example: `stemwright keys create --name 'the studio' --state state`")
def create(
    name: Annotated[str, typer.Option(help="Whose it is, for people.")],
    per_minute: Annotated[int, typer.Option(help="Generations that it may ask for in a minute.")] = 60,
    audio_per_day: Annotated[
        float, typer.Option(help="Seconds of stems that it may ask for in a day.")
    ] = 20_000.0,
    state: State = Path("state"),
    database_url: DatabaseUrl = None,
) -> None:
    """Make a key. It is shown this once: only a digest of it is kept."""
    with _keys(state, database_url) as keys:
        row, secret = keys.create(name, per_minute=per_minute, audio_s_per_day=audio_per_day)
    typer.echo(f"key {row.id} for {name}", err=True)
    typer.echo(secret)


@app.command("list", epilog="Example: `stemwright keys list --state state`")
def list_keys(state: State = Path("state"), database_url: DatabaseUrl = None) -> None:
    """Show the keys there are, without their secrets."""
    with _keys(state, database_url) as keys:
        rows = keys.all()
    for row in rows:
        standing = "good" if row.revoked_at is None else "revoked"
        limits = f"{row.generations_per_minute} a minute, {row.audio_s_per_day:.0f} s a day"
        typer.echo(f"{row.id}  {standing:<7}  {limits}  {row.name}")


@app.command(epilog="Example: `stemwright keys revoke 3f1c…`")
def revoke(
    key_id: Annotated[str, typer.Argument(help="As `list` shows it.")],
    state: State = Path("state"),
    database_url: DatabaseUrl = None,
) -> None:
    """Let a key open nothing any more; what was made with it stays."""
    with _keys(state, database_url) as keys:
        keys.revoke(key_id)
    typer.echo(f"key {key_id} is revoked")


@contextmanager
def _keys(state: Path, database_url: str | None) -> "Iterator[Keys]":
    """Of the database that the options name."""
    import time

    from stemwright_platform.serving.database import Database
    from stemwright_platform.serving.keys import Keys

    database = Database(database_place(state, database_url))
    try:
        yield Keys(database, time.time)
    finally:
        database.close()

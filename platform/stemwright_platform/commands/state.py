"""`stemwright state`: what an application has made, its database and its audio, as one thing."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from stemwright_platform.serving.backup import Backup

app = typer.Typer(
    help="What an application has made: back up its database and audio together, restore them.",
    no_args_is_help=True,
)

State = Annotated[Path, typer.Option(help="The folder of `stemwright serve --state`.")]
DatabaseUrl = Annotated[
    str | None, typer.Option(help="In its place: the database of serve_config.yaml, as postgresql://…")
]
BlobUrl = Annotated[str | None, typer.Option(help="In its place: the store of the audio, as s3://…")]


@app.command(epilog="Example: `stemwright state backup backups/monday --state state`")
def backup(
    folder: Annotated[
        Path, typer.Argument(help="Where to; one that holds an earlier backup gets what is new.")
    ],
    state: State = Path("state"),
    database_url: DatabaseUrl = None,
    blob_url: BlobUrl = None,
) -> None:
    """Copy compositions, takes, choices, generations and all audio, while the application goes on."""
    from stemwright_platform.serving.backup import back_up
    from stemwright_platform.serving.blobs import BlobStore
    from stemwright_platform.serving.database import Database

    database_place, blob_place = _places(state, database_url, blob_url)
    _check_there(database_place)
    database = Database(database_place)
    try:
        said = back_up(database, BlobStore(blob_place), folder, _shown("backing up"))
    finally:
        database.close()
    typer.echo(f"{folder}: {_told(said)}")


@app.command(epilog="Example: `stemwright state restore backups/monday --state new-state`")
def restore(
    folder: Annotated[Path, typer.Argument(help="A backup.")],
    state: State = Path("state"),
    database_url: DatabaseUrl = None,
    blob_url: BlobUrl = None,
) -> None:
    """Put a backup into an empty database, of whichever kind; what was being generated is made again."""
    from stemwright_platform.serving import backup as backups
    from stemwright_platform.serving.blobs import BlobStore
    from stemwright_platform.serving.database import Database

    backups.read_backup(folder)
    database_place, blob_place = _places(state, database_url, blob_url)
    database = Database(database_place)
    try:
        said = backups.restore(folder, database, BlobStore(blob_place), _shown("restoring"))
    finally:
        database.close()
    typer.echo(f"restored {_told(said)}")


def _places(state: Path, database_url: str | None, blob_url: str | None) -> tuple[str, str]:
    """Addresses of database and audio."""
    return database_place(state, database_url), blob_url or str(state.expanduser().resolve() / "blobs")


def database_place(state: Path, database_url: str | None) -> str:
    """The database's address."""
    return database_url or f"sqlite:///{state.expanduser().resolve()}/stemwright.sqlite"


def _check_there(database_url: str) -> None:
    """A backup of nothing would look like one of something."""
    from stemwright.errors import InputError

    path = database_url.removeprefix("sqlite:///")
    if path != database_url and not Path(path).exists():
        raise InputError(f"there is no database at {path}: give the folder of `stemwright serve --state`")


def _shown(label: str) -> Callable[[int, int], None]:
    """Shows how far it is, take by take."""
    from stemwright_platform.time_left import TimeLeft

    line: TimeLeft | None = None

    def told(done: int, total: int) -> None:
        nonlocal line
        line = line or TimeLeft(label, total)
        line.advance(1, f"{done} of {total} takes")
        if done == total:
            line.close()

    return told


def _told(backup: "Backup") -> str:
    rows = ", ".join(f"{count} {table}" for table, count in backup.rows.items())
    return f"{rows}; {backup.blobs} files of audio, {backup.num_bytes / 1e6:.1f} MB"

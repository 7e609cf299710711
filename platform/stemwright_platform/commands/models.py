"""`stemwright models`: what the registry holds, and which version its aliases mean."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from stemwright.errors import InputError

if TYPE_CHECKING:
    from stemwright_platform.training.model_versions import VersionFacts

app = typer.Typer(
    help="What the registry holds: list versions, promote one, roll back, register a folder.",
    no_args_is_help=True,
)

TrackingUri = Annotated[
    str | None, typer.Option(help="MLflow: sqlite:///PATH or a server; ./mlflow.db by default.")
]
Alias = Annotated[str, typer.Option(help="Which alias; servers follow `champion` by default.")]
HEADINGS = ("model", "version", "alias", "held-out loss", "judged on", "run", "created")


@app.command("list", epilog="Example: `stemwright models list stemwright`")
def list_models(
    name: Annotated[str | None, typer.Argument(help="A registered model; all by default.")] = None,
    tracking_uri: TrackingUri = None,
) -> None:
    """Show versions, newest first: losses compare where `judged on` is the same."""
    from stemwright_platform.training.model_versions import list_versions
    from stemwright_platform.training.tracking import default_uri, open_client

    uri = tracking_uri or default_uri()
    found = list_versions(open_client(uri), name)
    typer.echo("\n".join(table([HEADINGS, *map(row, found)])) if found else f"{uri} holds no models")


@app.command(epilog="Example: `stemwright models promote models:/stemwright/7`")
def promote(
    model: Annotated[str, typer.Argument(help="models:/NAME/VERSION, or models:/NAME@ALIAS.")],
    alias: Alias = "champion",
    tracking_uri: TrackingUri = None,
) -> None:
    """Let an alias mean a version: running servers take it up by themselves, within seconds."""
    from stemwright_platform.training import alias as aliases
    from stemwright_platform.training.registry import find_version
    from stemwright_platform.training.tracking import default_uri, open_client

    client = open_client(tracking_uri or default_uri())
    version = find_version(client, model)
    typer.echo(str(aliases.promote(client, version.name, int(version.version), checked_alias(alias))))


@app.command(epilog="Example: `stemwright models rollback stemwright`")
def rollback(
    name: Annotated[str, typer.Argument(help="The registered model.")],
    alias: Alias = "champion",
    tracking_uri: TrackingUri = None,
) -> None:
    """Let an alias mean what it meant before its last promotion; again, and it goes further back."""
    from stemwright_platform.training import alias as aliases
    from stemwright_platform.training.model_versions import checked_model
    from stemwright_platform.training.tracking import default_uri, open_client

    client = open_client(tracking_uri or default_uri())
    checked_model(client, name)
    typer.echo(str(aliases.roll_back(client, name, checked_alias(alias))))


@app.command(epilog="Example: `stemwright models register runs/first --name stemwright`")
def register(
    folder: Annotated[str, typer.Argument(help="A run of `stemwright train`, or a checkpoint folder.")],
    name: Annotated[str, typer.Option(help="Name in the registry.")] = "stemwright",
    tracking_uri: TrackingUri = None,
) -> None:
    """Register a model that lies in a folder, as one that was trained elsewhere.

    It becomes the champion as a trained one does: as the first, or by the lowest loss on the same data.
    """
    from stemwright_platform.training.model_versions import register_folder
    from stemwright_platform.training.tracking import default_uri

    typer.echo(str(register_folder(folder, name, tracking_uri=tracking_uri or default_uri())))


def checked_alias(alias: str) -> str:
    """The same; InputError for a name that no address can hold."""
    if not alias or set(alias) & set("/@ ") or alias.isdigit():
        raise InputError(f"'{alias}' is no alias: give a word, as champion")
    return alias


def row(facts: "VersionFacts") -> tuple[str, ...]:
    """A version's cells under `HEADINGS`."""
    return (
        facts.name,
        str(facts.version),
        ", ".join(facts.aliases),
        "" if facts.loss is None else f"{facts.loss:.4f}",
        facts.judged_on[:8],
        facts.run,
        f"{facts.created:%Y-%m-%d %H:%M}",
    )


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of columns as wide as their longest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
        for cells in rows
    ]

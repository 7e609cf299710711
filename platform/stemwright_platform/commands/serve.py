"""`stemwright serve`: the studio and the composition API on this machine."""

import signal
import threading
from pathlib import Path
from typing import Annotated

import typer

from stemwright.shipped_model import SHIPPED
from stemwright_platform.commands.model_named import model_named

app = typer.Typer()

EXAMPLE = "stemwright serve --model runs/first --port 8000"


@app.command(epilog=f"Example: `{EXAMPLE}`")
def serve(
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="A run, a checkpoint folder or models:/NAME@ALIAS; else what ships with this. Several are "
            "served side by side: compositions name theirs, the first is for those that name none."
        ),
    ] = None,
    port: Annotated[
        int, typer.Option(help="Port to listen on, not 10002 to 19999.", min=1, max=65535)
    ] = 8000,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for every one.")] = "127.0.0.1",
    open_to_all: Annotated[
        bool, typer.Option("--open", help="Ask nobody for a key, also beyond this machine.")
    ] = False,
    keys: Annotated[
        bool, typer.Option("--keys", help="Ask for keys (`stemwright keys`), as beyond this machine.")
    ] = False,
    state: Annotated[Path, typer.Option(help="Folder for the database and the audio.")] = Path("state"),
    codec_weights: Annotated[str | None, typer.Option(help="Folder with the codec's weights.")] = None,
    text_weights: Annotated[str | None, typer.Option(help="Folder with the text encoder's weights.")] = None,
    tracking_uri: Annotated[
        str | None,
        typer.Option(help="MLflow of models:/…: sqlite:///PATH or a server; ./mlflow.db by default."),
    ] = None,
) -> None:
    """Serve the studio and the composition API on a Ray of this machine, until Ctrl-C.

    Where MODEL is an alias it is followed: a version that is promoted is served within seconds.
    Compositions and takes stay in the state folder: the next start finds them.
    """
    from stemwright_platform.serving.local_server import check_port, local_server, local_settings

    check_port(host, port)
    asks = access(host, open_to_all=open_to_all, keys=keys)
    models = model or [SHIPPED]
    settings = local_settings(
        models[0],
        state,
        device=_device(),
        codec_weights=codec_weights,
        text_weights=text_weights,
        tracking_uri=tracking_uri,
    ).model_copy(update={"access": asks})
    for each in models:
        model_named(each, typer.echo)
    typer.echo(f"starting {', '.join(models)} …")
    with local_server(settings, beside=models[1:], host=host, port=port) as address:
        typer.echo(f"the studio: {address} · the API: {address}/v1/docs · Ctrl-C to stop")
        if asks == "keys":
            typer.echo(f"asks for a key: stemwright keys create --name NAME --state {state}")
        _wait_for_signal()
        typer.echo("stopping …")


def access(host: str, *, open_to_all: bool = False, keys: bool = False) -> str:
    """Whether callers need a key: on this machine alone nobody does, beyond it everybody."""
    from stemwright.errors import InputError

    if open_to_all and keys:
        raise InputError("--open asks for no key and --keys for one: give one of them")
    if open_to_all:
        return "open"
    return "keys" if keys or host not in ("127.0.0.1", "localhost", "::1") else "open"


def _device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _wait_for_signal() -> None:
    asked = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked.set())
    while not asked.wait(1.0):  # a wait without end would not hear signals on every system
        pass

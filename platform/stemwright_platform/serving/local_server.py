"""The application on a Ray of this machine, for as long as it is wanted."""

import logging
import os
import re
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from stemwright.checkpoint import read_config
from stemwright.errors import InputError
from stemwright_platform.serving.checkpoint_folder import checkpoint_folder
from stemwright_platform.serving.proxy import IMPORT_PATH, VARIABLE
from stemwright_platform.serving.server_log import LOGGING
from stemwright_platform.serving.settings import ServingSettings

if TYPE_CHECKING:
    from ray.serve import Application

_FAULT = re.compile(r"[\w.]*(Error|Exception)\b.*: .+")
"""The line of a traceback that says what went wrong."""
APPLICATION = "stemwright"
LOCAL_CPUS = 4
"""Logical CPUs of the local Ray: replicas wait more than they compute."""
MODEL_CPUS = 3
"""More for each model beside the first."""
REQUEST_TIMEOUT_S = 300
"""Of a call, an upload's for one."""
RAY_PORTS = range(10002, 20000)
"""Ray takes ports for its workers from here."""


def local_settings(model: str, state: Path, *, device: str = "cpu", **more: str | None) -> ServingSettings:
    """Settings with SQLite and blobs in the folder `state`. InputError for a model that is not there."""
    tracking_uri = more.get("tracking_uri")
    read_config(checkpoint_folder(model, tracking_uri))
    return ServingSettings(
        model=model,
        database_url=f"sqlite:///{state.resolve()}/stemwright.sqlite",
        blob_url=str(state.resolve() / "blobs"),
        device=device,
        codec_weights=more.get("codec_weights"),
        text_weights=more.get("text_weights"),
        tracking_uri=tracking_uri,
    )


@contextmanager
def local_server(
    settings: ServingSettings,
    *,
    beside: Sequence[str] = (),
    host: str = "127.0.0.1",
    port: int = 8000,
    ends_ray: bool = False,
) -> Iterator[str]:
    """Serve until the block ends; gives the address, once generations are worked on.

    `beside`: other models, each an application of its own. Uses the Ray that this process is connected to,
    else starts one and ends it again; `ends_ray` ends the one it found, too.
    Raises InputError for a port that cannot be had, or a model that is not there.
    """
    check_port(host, port)
    for model in beside:
        read_config(checkpoint_folder(model, settings.tracking_uri))
    import ray
    from ray import serve

    from stemwright_platform.cluster import connect

    own_ray = not ray.is_initialized()
    if own_ray and os.environ.get("RAY_ADDRESS"):
        raise InputError(
            "RAY_ADDRESS names another Ray: unset it to serve here, or deploy there with `serve deploy`"
        )
    logging.getLogger("ray.serve").setLevel(logging.WARNING)
    os.environ[VARIABLE] = IMPORT_PATH  # the proxies of a Ray that is started here inherit it
    connect(LOCAL_CPUS + MODEL_CPUS * len(beside))
    try:
        yield _started(settings, beside, host, port)
    finally:
        if own_ray or ends_ray:  # replicas first, in peace: the dispatcher gives its work back
            for name in serve.status().applications:
                serve.delete(name)
            ray.shutdown()
        else:
            serve.shutdown()


def check_port(host: str, port: int) -> None:
    """InputError unless the port is free and none of Ray's."""
    if port in RAY_PORTS:
        raise InputError(f"port {port} belongs to Ray (10002 to 19999): choose another with --port")
    try:
        socket.create_server((host, port)).close()
    except OSError as error:
        raise InputError(
            f"cannot listen on {host}:{port} ({error.strerror}): choose another with --port"
        ) from None


def _started(settings: ServingSettings, beside: Sequence[str], host: str, port: int) -> str:
    from ray import serve

    from stemwright_platform.serving.app import build, build_model

    serve.start(http_options={"host": host, "port": port, "request_timeout_s": REQUEST_TIMEOUT_S})
    _run(build(settings), APPLICATION, "/")
    for number, model in enumerate(beside, start=2):
        _run(build_model(settings.model_copy(update={"model": model})), f"model-{number}", None)
    address = f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}"
    _wait_until_ready(address)
    return address


def _run(application: "Application", name: str, route: str | None) -> None:
    from ray import serve

    try:
        serve.run(application, name=name, route_prefix=route, logging_config=LOGGING)
    except RuntimeError as error:  # Serve names the deployment alone
        why = _reason(name) or str(error).strip().splitlines()[-1]
        raise InputError(f"the application did not start: {why}") from error


def _reason(name: str) -> str:
    """What a replica said that could not start."""
    from ray import serve

    application = serve.status().applications.get(name)
    messages = [each.message for each in application.deployments.values()] if application else []
    lines = [line.strip() for message in messages for line in message.splitlines()]
    return next((line for line in reversed(lines) if _FAULT.match(line)), "")


def _wait_until_ready(address: str, seconds: float = 120.0) -> None:
    import httpx

    end = time.monotonic() + seconds
    while httpx.get(f"{address}/readyz", timeout=30).status_code != 200:
        if time.monotonic() > end:
            raise InputError(
                f"{address} did not get ready in {seconds:g} s: see the logs in /tmp/ray/session_latest"
            )
        time.sleep(0.2)

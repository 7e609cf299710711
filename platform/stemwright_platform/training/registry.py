"""The MLflow model registry: versions of a model, and the alias that serving follows.

What is registered is the checkpoint folder itself, nothing pickled.
"""

import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse
from urllib.request import url2pathname

from stemwright.checkpoint import CONFIG, model_folder
from stemwright.errors import InputError
from stemwright_platform.training.tracking import default_uri, open_client

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion
    from mlflow.tracking import MlflowClient

CHAMPION = "champion"
URI = re.compile(r"models:/(?P<name>[^/@]+)(@(?P<alias>[^/@]+)|/(?P<version>\d+))")


@dataclass(frozen=True, kw_only=True, slots=True)
class Registration:
    """A model's place in the registry."""

    name: str
    version: int
    champion: bool
    """Whether this version is the champion now."""

    def __str__(self) -> str:
        return f"models:/{self.name}/{self.version}" + (", champion" if self.champion else "")


def register(
    client: "MlflowClient", name: str, *, run_id: str, artifact: str, loss: float | None, judged_on: str
) -> Registration:
    """Register an artifact folder of a run as the next version of a model.

    It becomes the champion if it is the first, or if its validation `loss` is the lowest of all versions
    that were `judged_on` the same held-out data as the present champion; losses on other data do not compare.
    """
    _ensure_model(client, name)
    version = client.create_model_version(
        name,
        source=f"runs:/{run_id}/{artifact}",
        run_id=run_id,
        tags={"judged_on": judged_on, **({} if loss is None else {"validation_loss": repr(loss)})},
    )
    number = int(version.version)
    champion = _champion(client, name)
    wins = champion is None or _beats(loss, judged_on, champion.tags)
    if wins:
        set_alias(client, name, CHAMPION, number)
    return Registration(name=name, version=number, champion=wins)


def set_alias(client: "MlflowClient", name: str, alias: str, version: int) -> None:
    """Let `models:/NAME@ALIAS` mean a version."""
    client.set_registered_model_alias(name, alias, str(version))


def resolve_model(uri: str | Path, *, tracking_uri: str | None = None, cache: Path | None = None) -> Path:
    """The checkpoint folder that a path, a run's folder, `models:/NAME@ALIAS` or `models:/NAME/3` means.

    A model that lies elsewhere is fetched once into `cache` (~/.cache/stemwright/models by default).
    Raises InputError where there is no such model.
    """
    if not str(uri).startswith("models:"):
        folder = model_folder(uri)
        if not (folder / CONFIG).is_file():
            raise InputError(f"{uri} is no model: give a run of `stemwright train` or models:/NAME@ALIAS")
        return folder
    client = open_client(tracking_uri or default_uri())
    version = _find(client, str(uri))
    source = client.get_run(version.run_id or "").info.artifact_uri or ""
    local = _local_path(f"{source}/{(version.source or '').rsplit('/', 1)[-1]}")
    if local is not None and (local / CONFIG).is_file():
        return local
    return _fetched(client, version, cache or Path.home() / ".cache" / "stemwright" / "models")


def _find(client: "MlflowClient", uri: str) -> "ModelVersion":
    from mlflow.exceptions import MlflowException

    match = URI.fullmatch(uri)
    if match is None:
        raise InputError(f"'{uri}' is no model URI: write models:/NAME@ALIAS or models:/NAME/VERSION")
    try:
        if match["alias"]:
            return client.get_model_version_by_alias(match["name"], match["alias"])
        return client.get_model_version(match["name"], match["version"])
    except MlflowException as error:
        raise InputError(f"{uri}: {str(error).splitlines()[0]} (see --tracking-uri)") from None


def _fetched(client: "MlflowClient", version: "ModelVersion", cache: Path) -> Path:
    """A copy of the version in the cache, whole or not at all."""
    folder = cache / f"{version.name}-{version.version}-{version.run_id}"
    if (folder / CONFIG).is_file():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=".fetching-", dir=cache))
    try:
        artifact = (version.source or "").rsplit("/", 1)[-1]
        fetched = client.download_artifacts(version.run_id or "", artifact, str(partial))
        os.replace(fetched, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def _local_path(uri: str) -> Path | None:
    parts = urlparse(uri)
    if parts.scheme not in ("", "file"):
        return None
    return Path(url2pathname(parts.path))


def _ensure_model(client: "MlflowClient", name: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _champion(client: "MlflowClient", name: str) -> "ModelVersion | None":
    if CHAMPION not in client.get_registered_model(name).aliases:
        return None
    return client.get_model_version_by_alias(name, CHAMPION)


def _beats(loss: float | None, judged_on: str, champion: dict[str, Any]) -> bool:
    if loss is None or champion.get("judged_on") != judged_on or "validation_loss" not in champion:
        return False
    return loss < float(champion["validation_loss"])

"""The MLflow model registry: versions of a model, and what an address of one means.

What is registered is the checkpoint folder itself, nothing pickled.
"""

import glob
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
from stemwright_platform.training.alias import CHAMPION, promote
from stemwright_platform.training.tracking import default_uri, open_client

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion
    from mlflow.tracking import MlflowClient

URI = re.compile(r"models:/(?P<name>[^/@]+)(@(?P<alias>[^/@]+)|/(?P<version>\d+))")
KNOWN_ANSWERS = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
"""What a registry says of what it does not have; every other fault is its own."""


class RegistryAway(InputError):
    """The registry did not answer."""


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
    Called again for the same artifact, as after an outage, it finds the version that it made.
    """
    _ensure_model(client, name)
    source = f"runs:/{run_id}/{artifact}"
    made = client.search_model_versions(f"name = '{name}' and run_id = '{run_id}'")
    same = next((version for version in made if version.source == source), None)
    version = same or client.create_model_version(
        name,
        source=source,
        run_id=run_id,
        tags={"judged_on": judged_on, **({} if loss is None else {"validation_loss": repr(loss)})},
    )
    number = int(version.version)
    champion = _champion(client, name)
    wins = champion is None or int(champion.version) == number or _beats(loss, judged_on, champion.tags)
    if wins and (champion is None or int(champion.version) != number):
        promote(client, name, number, CHAMPION)
    return Registration(name=name, version=number, champion=wins)


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
    cache = cache or Path.home() / ".cache" / "stemwright" / "models"
    client = open_client(tracking_uri or default_uri())
    try:
        version = find_version(client, str(uri))
    except RegistryAway:
        if kept := _kept(str(uri), cache):
            return kept
        raise
    source = client.get_run(version.run_id or "").info.artifact_uri or ""
    local = _local_path(f"{source}/{(version.source or '').rsplit('/', 1)[-1]}")
    if local is not None and (local / CONFIG).is_file():
        return local
    return _fetched(client, version, cache)


def pinned(uri: str, *, tracking_uri: str | None = None) -> str:
    """The address of the version that an address means now; a folder stands for itself.

    Raises InputError where the registry does not know it or cannot be reached.
    """
    match = URI.fullmatch(uri)
    if not uri.startswith("models:") or (match and match["version"]):
        return uri
    version = find_version(open_client(tracking_uri or default_uri()), uri)
    return f"models:/{version.name}/{version.version}"


def find_version(client: "MlflowClient", uri: str) -> "ModelVersion":
    """What `models:/NAME@ALIAS` or `models:/NAME/3` means; InputError where it means nothing."""
    from mlflow.exceptions import MlflowException

    match = URI.fullmatch(uri)
    if match is None:
        raise InputError(f"'{uri}' is no model URI: write models:/NAME@ALIAS or models:/NAME/VERSION")
    try:
        if match["alias"]:
            return client.get_model_version_by_alias(match["name"], match["alias"])
        return client.get_model_version(match["name"], match["version"])
    except MlflowException as error:
        kind = InputError if error.error_code in KNOWN_ANSWERS else RegistryAway
        raise kind(f"{uri}: {str(error).splitlines()[0]} (see --tracking-uri)") from None


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
    except OSError:
        if not (folder / CONFIG).is_file():  # else another process was first
            raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def _kept(uri: str, cache: Path) -> Path | None:
    """A version that was fetched before."""
    match = URI.fullmatch(uri)
    if match is None or not match["version"]:
        return None
    folders = cache.glob(f"{glob.escape(match['name'])}-{match['version']}-*")
    whole = [folder for folder in folders if (folder / CONFIG).is_file()]
    return max(whole, key=lambda folder: folder.stat().st_mtime, default=None)


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

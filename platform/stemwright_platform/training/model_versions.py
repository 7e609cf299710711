"""What the registry holds: the versions of its models, to read, to move aliases between and to add to."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from stemwright.checkpoint import load_checkpoint, read_config
from stemwright.errors import InputError
from stemwright_platform.training.registry import Registration, register, resolve_model
from stemwright_platform.training.tracking import EXPERIMENT, artifact_location, open_client

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion, RegisteredModel
    from mlflow.tracking import MlflowClient


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionFacts:
    """A version as `stemwright models list` shows it."""

    name: str
    """The model's."""
    version: int
    aliases: tuple[str, ...]
    """That mean this version now."""
    loss: float | None
    """Held-out ε-loss; None where it was not judged."""
    judged_on: str
    """Digest of the held-out data: losses compare where it is the same."""
    run: str
    """Name of the MLflow run that made it."""
    created: datetime
    """In local time."""


def list_versions(client: "MlflowClient", name: str | None = None) -> list[VersionFacts]:
    """Versions of a model, or of all, newest first. InputError for a model that is not there."""
    models = [checked_model(client, name)] if name else sorted(_models(client), key=lambda model: model.name)
    return [facts for model in models for facts in _versions(client, model)]


def checked_model(client: "MlflowClient", name: str) -> "RegisteredModel":
    """The registered model; InputError where there is none of that name."""
    from mlflow.exceptions import MlflowException

    try:
        return client.get_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise InputError(f"the registry did not answer: {str(error).splitlines()[0]}") from None
    known = ", ".join(sorted(model.name for model in _models(client))) or "none"
    raise InputError(f"there is no registered model '{name}': choose from {known} (see --tracking-uri)")


def register_folder(folder: str | Path, name: str, *, tracking_uri: str) -> Registration:
    """Register a run's model or a checkpoint folder as the next version, with an MLflow run of its own.

    InputError where the folder holds no whole model, or MLflow does not take it.
    """
    from mlflow.exceptions import MlflowException

    model = resolve_model(folder)
    load_checkpoint(model)
    facts = read_config(model)["origin"]["facts"]
    loss, judged_on = facts.get("validation", {}).get("loss"), facts.get("judged_on", "nothing")
    client = open_client(tracking_uri)
    try:
        run_id = _run_of(client, Path(folder).resolve(), tracking_uri)
        client.log_artifacts(run_id, str(model), "model")
        client.set_terminated(run_id)
        return register(client, name, run_id=run_id, artifact="model", loss=loss, judged_on=judged_on)
    except MlflowException as error:
        raise InputError(f"{folder} was not registered: {str(error).splitlines()[0]}") from None


def _run_of(client: "MlflowClient", folder: Path, tracking_uri: str) -> str:
    """A new MLflow run that stands for a folder."""
    if found := client.get_experiment_by_name(EXPERIMENT):
        experiment = found.experiment_id
    else:
        experiment = client.create_experiment(EXPERIMENT, artifact_location=artifact_location(tracking_uri))
    run = client.create_run(experiment, run_name=folder.name, tags={"registered_from": str(folder)})
    return run.info.run_id


def _models(client: "MlflowClient") -> "list[RegisteredModel]":
    from mlflow.exceptions import MlflowException

    try:
        return list(client.search_registered_models())
    except MlflowException as error:
        raise InputError(f"the registry did not answer: {str(error).splitlines()[0]}") from None


def _versions(client: "MlflowClient", model: "RegisteredModel") -> list[VersionFacts]:
    found = client.search_model_versions(f"name = '{model.name}'")
    return [
        _facts(client, model, version)
        for version in sorted(found, key=lambda v: int(v.version), reverse=True)
    ]


def _facts(client: "MlflowClient", model: "RegisteredModel", version: "ModelVersion") -> VersionFacts:
    number, loss = int(version.version), version.tags.get("validation_loss")
    return VersionFacts(
        name=model.name,
        version=number,
        aliases=tuple(sorted(alias for alias, held in model.aliases.items() if int(held) == number)),
        loss=None if loss is None else float(loss),
        judged_on=version.tags.get("judged_on", ""),
        run=_run_name(client, version.run_id or ""),
        created=datetime.fromtimestamp(version.creation_timestamp / 1000).astimezone(),
    )


def _run_name(client: "MlflowClient", run_id: str) -> str:
    """The run's name, its id where it has none or is gone."""
    from mlflow.exceptions import MlflowException

    try:
        return client.get_run(run_id).info.run_name or run_id
    except MlflowException:
        return run_id

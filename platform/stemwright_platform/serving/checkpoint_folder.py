"""Where a served model lies."""

from pathlib import Path

from stemwright.checkpoint import model_folder


def checkpoint_folder(model: str, tracking_uri: str | None = None) -> Path:
    """Local folder of a checkpoint given by path, by its run's folder, or by registry address.

    Raises InputError for an address that the registry does not know.
    """
    if not model.startswith("models:"):
        return model_folder(model)
    from stemwright_platform.training.registry import resolve_model  # brings MLflow

    return resolve_model(model, tracking_uri=tracking_uri)


def pinned_version(model: str, tracking_uri: str | None = None) -> str:
    """The address of the version that an alias means now; anything else stands for itself.

    Raises InputError where the registry does not know it or does not answer.
    """
    if not is_alias(model):
        return model
    from stemwright_platform.training.registry import pinned

    return pinned(model, tracking_uri=tracking_uri)


def is_alias(model: str) -> bool:
    """Whether an address may mean another version later."""
    return model.startswith("models:") and "@" in model

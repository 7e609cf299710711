"""Where the served model lies."""

from pathlib import Path

from stemwright.checkpoint import model_folder


def checkpoint_folder(model: str) -> Path:
    """Local folder of a checkpoint given by path, by its run's folder, or by registry address.

    Raises InputError for an address that the registry does not know.
    """
    if not model.startswith("models:"):
        return model_folder(model)
    from stemwright_platform.training.registry import resolve_model  # brings MLflow

    return resolve_model(model)

"""Where the served model lies."""

from pathlib import Path


def checkpoint_folder(model: str) -> Path:
    """Local folder of a checkpoint given by path or by registry address. InputError where there is none."""
    if not model.startswith("models:"):
        return Path(model)
    from stemwright_platform.training.registry import resolve_model  # brings MLflow

    return Path(resolve_model(model))

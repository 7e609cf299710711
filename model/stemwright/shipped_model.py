"""The trained model that comes with the package: what is composed with when no model is named."""

from importlib import resources
from pathlib import Path

from stemwright.errors import InputError

SHIPPED = "shipped"
"""The word for it wherever a model is named; a folder of that name is ./shipped."""
CONFIG = "checkpoint.json"


def shipped_folder() -> Path:
    """Where it lies, or would lie."""
    return Path(str(resources.files("stemwright"))) / "weights" / "demo_model"


def is_shipped() -> bool:
    """Whether this installation has it."""
    return (shipped_folder() / CONFIG).is_file()


def shipped_model() -> Path:
    """Its checkpoint folder. InputError where this installation has none."""
    if not is_shipped():
        raise InputError(
            f"this installation has no trained model ({shipped_folder()}): name one with --model, a run of "
            "`stemwright train` say, or make it with `stemwright demo-model --publish`"
        )
    return shipped_folder()

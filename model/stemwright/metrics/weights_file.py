"""Published weights that are one file: found on this machine, checked, read without running what it holds."""

import hashlib
import pickle
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from stemwright.errors import InputError


def find_weights_file(weights: str | None, *, file: str, command: str, alternative: str) -> Path:
    """A file of weights: `weights` itself, `file` in that folder, or `file` in PyTorch's cache.

    In a folder, a safetensors file of the same stem does as well. `command` fetches it into "{place}" and
    `alternative` needs no weights: both are for the error. Raises InputError where there is none.
    """
    place = Path(weights) if weights else Path(torch.hub.get_dir()) / "checkpoints"
    if place.is_file():
        return place
    for path in (place / file, (place / file).with_suffix(".safetensors")):
        if path.is_file():
            return path
    where = f"{place} has no {file}" if weights else f"{file} is not in {place}"
    raise InputError(f"{where}; fetch it with `{command.format(place=place)}`, or use {alternative}")


def read_weights_file(path: Path) -> dict[str, Tensor]:
    """Name → float tensor of a safetensors file, or of a PyTorch file (weights alone: nothing in it runs).

    The names may lie under "state_dict", and each may begin with "module.". Raises InputError for a damaged
    file, or one that holds other things.
    """
    content = _read(path)
    state = content.get("state_dict", content)
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise InputError(f"{path}: holds no weights by name; fetch it again")
    return {str(name).removeprefix("module."): value for name, value in state.items()}


def file_sha256(path: Path) -> str:
    """Of the whole file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_digest(path: Path) -> None:
    """InputError where a name that ends in a digest, as "x-1234abcd.pth", promises another SHA-256.

    Only for publishers who name files so: in other names such digits may be a date.
    """
    promised = re.search(r"-([0-9a-f]{8,64})$", path.stem)
    if promised and not file_sha256(path).startswith(promised[1]):
        raise InputError(
            f"{path}: is damaged (its SHA-256 does not begin with {promised[1]}); fetch it again"
        )


def _read(path: Path) -> dict[str, Any]:
    if path.suffix == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return dict(load_file(path))
        except (SafetensorError, OSError) as error:
            raise InputError(f"{path}: cannot be read ({_line(error)}); fetch it again") from None
    try:
        # A pickle of another protocol than torch's own makes it warn before it refuses.
        with torch.serialization.safe_globals(_number_types()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise InputError(
            f"{path}: holds more than weights and is not loaded; save its state_dict as safetensors where it "
            "was made (docs/evaluation.md), or fetch it again"
        ) from None
    except (OSError, RuntimeError, ValueError, EOFError) as error:
        raise InputError(f"{path}: cannot be read ({_line(error)}); fetch it again") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: holds no weights by name; fetch it again")
    return content


def _number_types() -> list[Any]:
    """NumPy's plain numbers, which trainings leave beside the weights: an epoch, a best score."""
    numbers = [type(np.dtype(kind)) for kind in (np.int64, np.float32, np.float64)]
    scalar: Any = np._core.multiarray.scalar  # pyright: ignore[reportAttributeAccessIssue]
    return [(scalar, "numpy.core.multiarray.scalar"), scalar, np.dtype, *numbers]


def _line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]

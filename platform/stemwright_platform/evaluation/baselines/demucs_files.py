"""Demucs' published models: found on this machine, and loaded without running what their files hold.

Both of its file forms name a Python class to be built: Demucs' own loader imports and calls whatever class
that is. Here only Demucs' networks are built, from plain numbers and weights.
"""

import json
import pickle
import warnings
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import torch
import yaml

from stemwright.errors import InputError
from stemwright.metrics.weights_file import check_digest
from stemwright.pretrained import cached_snapshot

DEFAULT = "htdemucs"
_NETWORKS = {"HTDemucs": "htdemucs", "HDemucs": "hdemucs", "Demucs": "demucs"}
"""Class → module of Demucs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DemucsFiles:
    """A bag of models, whose answers are averaged; most bags hold one."""

    name: str
    """As "htdemucs"."""
    models: tuple[Path, ...]
    """A `.safetensors` or `.th` file each."""
    weights: tuple[tuple[float, ...], ...] | None
    """Of each model for each source; None for equal ones."""
    segment_s: float | None
    """What a model hears at a time; None for its own."""


def find_demucs(weights: str | None = None, name: str = DEFAULT) -> DemucsFiles:
    """The files of a published model: in the folder `weights`, or in the caches of the hub and of PyTorch.

    A folder holds NAME.yaml (Demucs' own is taken where it does not) and the models it names, or one model
    NAME. Raises InputError with the command that fetches them where one is missing, or without demucs.
    """
    import_demucs()
    from demucs.hf import DEFAULT_NAMESPACE, hf_repo_name

    repository = f"{DEFAULT_NAMESPACE}/{hf_repo_name(name)}"
    if weights is not None:
        if not Path(weights).is_dir():
            raise InputError(f"{weights} is not a folder: give one with the Demucs model {name}")
        places = [Path(weights)]
    else:
        cached = cached_snapshot(repository)
        places = [*([cached] if cached else []), Path(torch.hub.get_dir()) / "checkpoints"]
    lost = ""
    for place in places:
        bag = _bag(place, name)
        found = {model: _model_file(place, model) for model in bag["models"]}
        lost = lost or next((model for model, path in found.items() if path is None), "")
        if all(found.values()):
            return DemucsFiles(
                name=name,
                models=tuple(path for path in found.values() if path),
                weights=tuple(map(tuple, bag["weights"])) if bag.get("weights") else None,
                segment_s=bag.get("segment"),
            )
    where = places[0] if weights is not None else "the local caches"
    target = f" --local-dir {weights}" if weights is not None else ""
    raise InputError(
        f"the Demucs model {name} ({lost}.safetensors or {lost}.th) is not in {where}; fetch it with "
        f"`hf download {repository}{target}`, or give stems in place of mixes"
    )


def load_demucs(files: DemucsFiles) -> Any:
    """The bag, ready for demucs' `apply_model`; InputError for a damaged file or one of other things."""
    from demucs.apply import BagOfModels

    models = [_load(path) for path in files.models]
    weights = [list(row) for row in files.weights] if files.weights else None
    try:
        return BagOfModels(models, weights, files.segment_s)
    except (AssertionError, AttributeError):
        raise InputError(f"the Demucs model {files.name}: its files do not fit together") from None


def import_demucs() -> None:
    """InputError where the package cannot be imported."""
    try:
        import demucs.apply  # noqa: F401
    except (ImportError, OSError) as error:
        raise InputError(
            f"the package demucs cannot be imported ({str(error).splitlines()[0]}); install it with "
            "`pip install 'stemwright[separation]'`, or give stems in place of mixes"
        ) from None


def _bag(place: Path, name: str) -> dict[str, Any]:
    """What NAME.yaml says: the folder's, or that of the package; else a single model of this name."""
    import demucs

    shipped = Path(demucs.__file__).parent / "remote" / f"{name}.yaml"
    path = next((path for path in (place / f"{name}.yaml", shipped) if path.is_file()), None)
    if path is None or _model_file(place, name):
        return {"models": [name]}
    try:
        bag = yaml.safe_load(path.read_text(encoding="utf-8"))
        if [model for model in bag["models"] if isinstance(model, str)]:
            return bag
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError):
        pass
    raise InputError(f"{path}: names no Demucs models; fetch it again")


def _model_file(place: Path, model: str) -> Path | None:
    """MODEL.safetensors, or MODEL.th with or without a digest in its name."""
    for pattern in (f"{model}.safetensors", f"{model}.th", f"{model}-*.th"):
        if found := sorted(place.glob(pattern)):
            return found[0]
    return None


def _load(path: Path) -> Any:
    from demucs.hf import load_safetensors_model
    from demucs.states import load_model

    with warnings.catch_warnings():
        # It tells of settings that a newer Demucs no longer has, and torch of the pickle's protocol.
        warnings.simplefilter("ignore")
        try:
            if path.suffix == ".safetensors":
                _check_safetensors(path)
                return load_safetensors_model(path)
            return load_model(_package(path))
        except InputError:
            raise
        except pickle.UnpicklingError:
            raise InputError(
                f"{path}: holds more than a Demucs model and is not loaded; fetch it again"
            ) from None
        except Exception as error:
            # Demucs says "damaged" in many ways: OSError, SafetensorError, KeyError, RuntimeError, TypeError.
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise InputError(f"{path}: cannot be loaded ({reason}); fetch it again") from None


def _package(path: Path) -> dict[str, Any]:
    """A `.th` file: class, arguments and weights. Nothing but Demucs' networks and numbers is let in."""
    import importlib

    check_digest(path)
    networks = [getattr(importlib.import_module(f"demucs.{file}"), name) for name, file in _NETWORKS.items()]
    with torch.serialization.safe_globals([*networks, Fraction]):
        package = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(package, dict) or package.get("klass") not in networks:
        raise InputError(f"{path}: is no Demucs model")
    return package


def _check_safetensors(path: Path) -> None:
    """Its header names a class that Demucs would import and call, whatever it is."""
    from safetensors import safe_open

    with safe_open(str(path), framework="pt") as file:
        facts = file.metadata() or {}
    if facts.get("klass") not in {f"demucs.{file}.{name}" for name, file in _NETWORKS.items()}:
        raise InputError(f"{path}: is no Demucs model")
    if '"_class"' in json.dumps(json.loads(facts.get("structure", "{}"))):
        raise InputError(f"{path}: is a quantised Demucs model, which is not read; take one that is not")

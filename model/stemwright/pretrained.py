"""Where pre-trained weights lie on this machine: a local folder, then the usual cache, never the network."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from stemwright.errors import InputError


def pretrained_folder(weights: str | None, *, model: str, alternative: str) -> Path:
    """The folder that holds `config.json` and the safetensors of a model.

    `weights`: a local folder, or the name of a model in the cache, or None for `model`;
    `alternative`: what to use instead, for the error. Raises InputError where a file is missing.
    """
    if weights is not None and Path(weights).is_dir():
        return _complete(Path(weights), model, f"hf download {model} --local-dir {weights}", alternative)
    model = weights or model
    folder = cached_snapshot(model)
    if folder is None:
        raise InputError(
            f"the weights of {model} (model.safetensors) are neither a folder nor in the local cache; "
            f"fetch them with `hf download {model}`, or use {alternative}"
        )
    return _complete(folder, model, f"hf download {model}", alternative)


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a model, whole or in shards; empty where there are none."""
    if (folder / "model.safetensors").is_file():
        return [folder / "model.safetensors"]
    index = folder / "model.safetensors.index.json"
    if not index.is_file():
        return []
    return [folder / name for name in sorted(set(json.loads(index.read_text())["weight_map"].values()))]


def weights_sha256(folder: Path) -> str:
    """One hash over a model's safetensors files; each file is read once a process."""
    digests = [_file_sha256(path, path.stat().st_mtime_ns) for path in weight_files(folder)]
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()


@contextmanager
def quiet_loading(folder: Path) -> Iterator[None]:
    """Load a model with transformers without its progress bar and reports; damage becomes an InputError."""
    from safetensors import SafetensorError
    from transformers.utils import logging

    verbosity, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        reason = str(error).strip().split("\n")[0]
        raise InputError(f"{folder}: cannot be loaded ({reason}); fetch it again") from error
    finally:
        logging.set_verbosity(verbosity)
        if bar:
            logging.enable_progress_bar()


def cached_snapshot(model: str) -> Path | None:
    """The folder of a model in the usual cache, whole or not; None where there is none."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(model, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError):
        return None


def _complete(folder: Path, model: str, command: str, alternative: str) -> Path:
    files = [folder / "config.json", *(weight_files(folder) or [folder / "model.safetensors"])]
    for file in files:
        if not file.is_file():
            raise InputError(
                f"{folder}: has no {file.name} of {model}; fetch it with `{command}`, or use {alternative}"
            )
    return folder


@lru_cache(maxsize=16)
def _file_sha256(path: Path, modified_ns: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

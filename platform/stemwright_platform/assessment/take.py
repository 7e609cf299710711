"""A take that an assessment needs: who makes it, what of, and where what was heard of it is kept."""

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from stemwright.metrics.feature import Arrays
from stemwright_platform.assessment.window import Window
from stemwright_platform.evaluation.clip_folder import clip_folder
from stemwright_platform.evaluation.systems import SamplingChoice
from stemwright_platform.evaluation.task_name import JOINT

Maker = Literal["model", "untrained", "real"]

HEARD = "heard"
DEFAULTS = SamplingChoice()
DIGITS = 10

Heard = Mapping[str, Mapping[str, Arrays]]
"""Part (a track, or "mix") → feature → what it found."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TakeOrder:
    """One take. Of equal orders there is one take on disk, whoever asks."""

    maker: Maker
    window: Window
    task: str = JOINT
    """Task name. A real take is always of all tracks."""
    turn: int = 0
    """Another take of the same, by another seed."""
    prompt: str | None = None
    """Instead of the window's own."""
    sampling: SamplingChoice = DEFAULTS
    """Instead of the plan's, where it says something."""

    @property
    def folder_name(self) -> str:
        """Of the maker; orders with a prompt or settings of their own have one of their own."""
        asked = {name: value for name, value in asdict(self.sampling).items() if value is not None}
        if self.prompt is not None:
            asked["prompt"] = self.prompt
        if not asked:
            return self.maker
        return f"{self.maker}-{hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:DIGITS]}"

    @property
    def name(self) -> str:
        return f"{self.window.name}.take{self.turn + 1}" if self.turn else self.window.name

    def heard_file(self, out: Path) -> Path:
        """What features found in its stems."""
        return out / HEARD / self.folder_name / self.task / f"{self.name}.safetensors"

    def sound_folder(self, out: Path) -> Path:
        """Its stems and their mix, where sound was asked for."""
        return clip_folder(out, self.folder_name, self.task, self.name)


def write_heard(path: Path, heard: Heard) -> None:
    """Whole or not at all."""
    flat = {
        f"{part}/{feature}/{name}": np.ascontiguousarray(array)
        for part, features in heard.items()
        for feature, arrays in features.items()
        for name, array in arrays.items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(save(flat))
        os.replace(partial, path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise


def read_heard(path: Path) -> dict[str, dict[str, Arrays]] | None:
    """The same; None where it is not there, or is what a crash left."""
    try:
        flat = load_file(path)
    except (OSError, SafetensorError):
        return None
    found: dict[str, dict[str, Arrays]] = {}
    for key, array in flat.items():
        part, feature, name = key.split("/")
        found.setdefault(part, {}).setdefault(feature, {})[name] = array
    return found

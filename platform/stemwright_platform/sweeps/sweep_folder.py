"""The folder that a sweep leaves.

trials/NAME/        a training run each, with trial.json once it has ended and model/ to compose with
results.json        every trial, cell and comparison
table.md            the cells as a table
index.html          the same as a page, with the pictures
pictures/           the maps
sweep.json          what was asked for
"""

import json
import os
import uuid
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stemwright.errors import InputError
from stemwright.run_lock import run_lock

FACTS = "sweep.json"


@dataclass(frozen=True, slots=True)
class SweepFolder:
    """Paths of a sweep, and what was asked for."""

    path: Path

    @property
    def results(self) -> Path:
        return self.path / "results.json"

    @property
    def page(self) -> Path:
        return self.path / "index.html"

    @property
    def pictures(self) -> Path:
        return self.path / "pictures"

    def begin(self, kind: str, facts: dict[str, Any], asked: dict[str, Any]) -> str:
        """Make or reopen the folder; returns the sweep's id.

        `facts`: what must be the same for trials to compare. `asked`: what may have changed, as more values.
        InputError where it holds another sweep, or anything else.
        """
        facts = json.loads(json.dumps({"kind": kind, **facts}))
        before = self._read()
        if before is None and self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise InputError(f"{self.path} exists and is no sweep: choose another --out")
        if before is not None and (changed := _changed(before["facts"], facts)):
            raise InputError(
                f"{self.path} holds a sweep of another {changed}, its trials would not compare: "
                "use the same, or choose another --out"
            )
        key = before["id"] if before else uuid.uuid4().hex
        self.path.mkdir(parents=True, exist_ok=True)
        self.write(FACTS, json.dumps({"id": key, "facts": facts, "asked": asked}, indent=1) + "\n")
        return key

    def holding(self) -> AbstractContextManager[None]:
        """While a process runs this sweep. InputError where another one does."""
        return run_lock(self.path / ".sweep.lock")

    def write(self, name: str, text: str) -> Path:
        """Write a file, whole or not at all."""
        path, partial = self.path / name, self.path / f".{name}.{os.getpid()}"
        partial.write_text(text, encoding="utf-8")
        return partial.replace(path)

    def _read(self) -> dict[str, Any] | None:
        try:
            return json.loads((self.path / FACTS).read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError) as error:
            raise InputError(f"cannot read {self.path / FACTS} ({error})") from None


def _changed(before: Any, now: Any, name: str = "") -> str:
    """The first fact that differs, as "steps (200, not 100)"; empty where none does."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in sorted({*before, *now}):
            if found := _changed(before.get(key), now.get(key), f"{name}.{key}" if name else key):
                return found
        return ""
    return "" if before == now else f"{name} ({before}, not {now})"

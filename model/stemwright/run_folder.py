"""The folder that a training run leaves.

model/                   the best model so far, to compose with: a checkpoint without training state
metrics.jsonl            a record a step (or a few)
validation.jsonl         a record a checkpoint
checkpoints/step-N/      what resuming needs: the last one and the best one
run.json                 what was asked for
"""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stemwright.checkpoint import CONFIG
from stemwright.errors import InputError
from stemwright.training_log import read_log
from stemwright.training_run import TrainingPlan


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Paths of a run, and what it says of itself."""

    path: Path

    @property
    def model(self) -> Path:
        return self.path / "model"

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.jsonl"

    @property
    def validation(self) -> Path:
        return self.path / "validation.jsonl"

    def begin(self, plan: TrainingPlan) -> dict[str, Any]:
        """Make or reopen the folder; returns run.json. InputError where it holds a run of other settings."""
        settings = json.loads(json.dumps(plan.settings()))
        if (facts := self.facts()) is None:
            if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
                raise InputError(f"{self.path} exists and is no training run: choose another --out")
            self.path.mkdir(parents=True, exist_ok=True)
            self.note(settings=settings)
            return self.facts() or {}
        if changed := _difference(facts["settings"], settings):
            raise InputError(
                f"{self.path} holds a run with other settings ({changed}): "
                "use the same ones to go on, or choose another --out"
            )
        return facts

    def facts(self) -> dict[str, Any] | None:
        """run.json, None where there is none."""
        try:
            return json.loads((self.path / "run.json").read_text())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise InputError(f"cannot read {self.path / 'run.json'} ({error})") from None

    def note(self, **facts: Any) -> None:
        """Add to run.json, whole or not at all."""
        temporary = self.path / ".run.json.tmp"
        temporary.write_text(json.dumps({**(self.facts() or {}), **facts}, indent=1) + "\n")
        os.replace(temporary, self.path / "run.json")

    def checkpoint(self, step: int) -> Path:
        """Where the checkpoint of a step lies."""
        return self.path / "checkpoints" / f"step-{step:07d}"

    def latest_checkpoint(self) -> Path | None:
        """The last whole checkpoint."""
        whole = sorted((self.path / "checkpoints").glob(f"step-*/{CONFIG}"))
        return whole[-1].parent if whole else None

    def best_step(self, up_to: int) -> int | None:
        """The step of the lowest validation loss among the first `up_to`; None where there is none."""
        scores = [record for record in read_log(self.validation) if record["step"] <= up_to]
        return min(scores, key=lambda record: record["loss"])["step"] if scores else None

    def prune(self, keep: set[int | None]) -> None:
        """Remove the checkpoints of other steps."""
        kept = {self.checkpoint(step).name for step in keep if step is not None}
        for folder in (self.path / "checkpoints").glob("step-*"):
            if folder.name not in kept:
                shutil.rmtree(folder, ignore_errors=True)


def _difference(old: Mapping[str, Any], new: Mapping[str, Any], start: str = "") -> str:
    """The first setting that differs, as "seed 1, not 2"; empty where none does."""
    for name in sorted({*old, *new}):
        before, now = old.get(name), new.get(name)
        if isinstance(before, dict) and isinstance(now, dict):
            if found := _difference(before, now, f"{start}{name}."):
                return found
        elif before != now:
            return f"{start}{name} {before}, not {now}"
    return ""

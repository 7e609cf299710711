"""The folder that a training run leaves.

model/                   the best model so far, to compose with: a checkpoint without training state
metrics.jsonl            a record a step (or a few)
validation.jsonl         a record a checkpoint
skipped.jsonl            a record a skipped step, where there are any
checkpoints/step-N/      what resuming needs: the last few and the best one
run.json                 what was asked for
"""

import json
import math
import os
import re
import shutil
import threading
import uuid
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stemwright.checkpoint import CONFIG, damage
from stemwright.errors import InputError
from stemwright.run_lock import run_lock
from stemwright.training_log import read_log
from stemwright.training_run import TrainingPlan

OURS = re.compile(r"step-\d+")
"""Copies that somebody made beside them are left alone."""
TAKE_OVER_S = 60.0
"""How long the process that wrote before is given to end."""
_NOTING = threading.Lock()
"""A thread that tracks the run notes things down too."""


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

    @property
    def skipped(self) -> Path:
        return self.path / "skipped.jsonl"

    def begin(self, plan: TrainingPlan) -> dict[str, Any]:
        """Make or reopen the folder; returns run.json. InputError where it holds a run of other settings."""
        settings = json.loads(json.dumps(plan.settings()))
        if (facts := self.facts()) is None:
            if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
                raise InputError(f"{self.path} exists and is no training run: choose another --out")
            self.path.mkdir(parents=True, exist_ok=True)
            self.note(settings=settings, id=uuid.uuid4().hex)
            return self.facts() or {}
        if changed := _difference(facts["settings"], settings):
            raise InputError(
                f"{self.path} holds a run with other settings ({changed}): "
                "use the same ones to go on, or choose another --out"
            )
        return facts

    def launching(self) -> AbstractContextManager[None]:
        """While a process looks after this run. InputError where another one does."""
        return run_lock(self.path / ".launching.lock")

    def writing(self) -> AbstractContextManager[None]:
        """While a process writes this run, once one that is about to end has ended."""
        return run_lock(self.path / ".writing.lock", wait_s=TAKE_OVER_S)

    def facts(self) -> dict[str, Any] | None:
        """run.json, None where there is none."""
        try:
            return json.loads((self.path / "run.json").read_text())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise InputError(f"cannot read {self.path / 'run.json'} ({error})") from None

    def note(self, **facts: Any) -> None:
        """Add to run.json, whole or not at all. OSError, with the file's name, where the disk is full."""
        temporary, path = self.path / ".run.json.tmp", self.path / "run.json"
        with _NOTING:
            text = json.dumps({**(self.facts() or {}), **facts}, indent=1) + "\n"
            try:
                with temporary.open("w") as file:
                    file.write(text)
                    file.flush()
                    os.fsync(file.fileno())
            except OSError as error:
                raise OSError(error.errno, os.strerror(error.errno or 0), str(path)) from None
            os.replace(temporary, path)

    def checkpoint(self, step: int) -> Path:
        """Where the checkpoint of a step lies."""
        return self.path / "checkpoints" / f"step-{step:07d}"

    def checkpoints(self) -> dict[int, Path]:
        """All checkpoints by their steps, in order."""
        found = (path.parent for path in (self.path / "checkpoints").glob(f"step-*/{CONFIG}"))
        return dict(sorted((int(path.name[5:]), path) for path in found if OURS.fullmatch(path.name)))

    def latest_checkpoint(self) -> Path | None:
        """The last checkpoint, not looked into."""
        return next(reversed(self.checkpoints().values()), None)

    def whole_checkpoint(self, say: Callable[[str], None] = lambda line: None) -> Path | None:
        """The last checkpoint that is as it was written; None in a run that has none yet.

        Others are passed over, which `say` is told. InputError where none is whole.
        """
        broken: list[str] = []
        for path in reversed(self.checkpoints().values()):
            if (found := damage(path)) is None:
                for line in broken:
                    say(f"{line}: going on from {path.name}")
                return path
            broken.append(f"checkpoint {path} is broken ({found})")
        if broken:
            raise InputError(
                f"{broken[0]} and no older one is whole: bring one back from a copy, "
                "or choose another --out to start anew"
            )
        return None

    def best_step(self, up_to: int) -> int | None:
        """The step of the lowest validation loss among the first `up_to`; None where there is none."""
        scores = [record for record in read_log(self.validation) if record["step"] <= up_to]
        judged = [record for record in scores if math.isfinite(record["loss"])]
        return min(judged, key=lambda record: record["loss"])["step"] if judged else None

    def prune(self, *, newest: int, up_to: int) -> None:
        """Keep the last checkpoints up to a step and the best of them; remove all else."""
        last = [step for step in self.checkpoints() if step <= up_to][-newest:]
        kept = {self.checkpoint(step) for step in (*last, self.best_step(up_to)) if step is not None}
        for folder in (self.path / "checkpoints").glob("step-*"):
            if folder not in kept and OURS.fullmatch(folder.name):
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

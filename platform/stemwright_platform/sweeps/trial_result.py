"""What became of one trial, in its folder: a sweep that goes on reads it instead of training again."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from stemwright.errors import InputError
from stemwright.training_log import read_log
from stemwright_platform.sweeps.setting import Setting, folder_name

RESULT = "trial.json"
State = Literal["finished", "stopped", "diverged", "failed"]
"""Trained to the end; ended early by the scheduler; its loss exploded; anything else went wrong."""
FINAL: tuple[State, ...] = ("finished", "diverged")
"""What would only repeat itself. A stopped trial is final for the scheduler that stopped it."""
MODES = ("conditional", "marginal", "mixed", "joint")
SCORES = tuple(f"{kind}{mode}" for kind in ("ratio", "loss") for mode in ("", *(f".{m}" for m in MODES)))
"""What a validation says: `ratio` is the error over that of the trivial guess, whole or by context."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialResult:
    """One trial's end."""

    setting: dict[str, Any]
    """The fields that the sweep set."""
    seed: int
    """Of weights, data order and noise."""
    state: State
    """How it ended."""
    steps: int = 0
    """Done."""
    train_s: float = 0.0
    """Wall time in the training loop."""
    scores: dict[str, float] = field(default_factory=dict)
    """By the names of `SCORES`; of the last step's averaged weights, or where it was stopped."""
    curve: list[dict[str, float]] = field(default_factory=list)
    """A row a validation: `progress` in percent and the scores then."""
    reason: str = ""
    """Why it did not end well."""

    @property
    def name(self) -> str:
        """Of its folder."""
        return folder_name(self.setting, self.seed)

    def save(self, folder: Path) -> None:
        """Write it down, whole or not at all."""
        folder.mkdir(parents=True, exist_ok=True)
        partial = folder / f".{RESULT}.{os.getpid()}"
        partial.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")
        partial.replace(folder / RESULT)


def read_result(folder: Path) -> TrialResult | None:
    """What a trial's folder says; None where it has not ended. InputError where it cannot be read."""
    path = folder / RESULT
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        # lists were tuples, as in the presets
        setting = {k: tuple(v) if isinstance(v, list) else v for k, v in content.pop("setting").items()}
        return TrialResult(setting=setting, **content)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"cannot read {path} ({error}): remove the file to run its trial again") from None


def ended(
    setting: Setting, seed: int, state: State, curve: list[dict[str, float]], **rest: Any
) -> TrialResult:
    """A result whose scores are the curve's last, where there is one."""
    last = {name: value for name, value in (curve[-1] if curve else {}).items() if name in SCORES}
    return TrialResult(setting=dict(setting), seed=seed, state=state, curve=curve, **{"scores": last, **rest})


def scores_of(figures: Mapping[str, Any]) -> dict[str, float]:
    """A validation's figures by the names of `SCORES`."""
    found = {kind: float(figures[kind]) for kind in ("ratio", "loss") if kind in figures}
    for kind in ("ratio", "loss"):
        for mode, value in figures.get(f"{kind}_by_mode", {}).items():
            found[f"{kind}.{mode}"] = float(value)
    return found


def curve_of(validation: Path, *, total_steps: int, up_to: int) -> list[dict[str, float]]:
    """The rows of a run's validation log, of its first `up_to` steps."""
    return [
        {"progress": 100 * record["step"] / total_steps, "step": record["step"], **scores_of(record)}
        for record in read_log(validation)
        if record["step"] <= up_to
    ]
